// The order's page listens to its order, and shows the part that changes anew when it does.
"use strict";

const panel = document.getElementById("panel");

function show(news) {
  const next = document.createElement("template");
  next.innerHTML = news.html;
  if (next.innerHTML !== panel.innerHTML) panel.replaceChildren(next.content);
  panel.dataset.status = news.status;
}

function listen() {
  const source = new EventSource(panel.dataset.events);
  source.onmessage = (message) => show(JSON.parse(message.data));
  source.onerror = () => {
    // A lost connection comes back by itself; an answer that was no stream does not.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  };
}

if (panel) listen();
