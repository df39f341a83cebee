// The order's page listens to its order, and shows the part that changes anew when it does.
"use strict";

const panel = document.getElementById("panel");
let source = null;

function show(message) {
  const news = JSON.parse(message.data);
  // The tick is drawn with a flourish when it comes, and not again at later news.
  if (news.status === "paid" && panel.dataset.status !== "paid") panel.classList.add("turned");
  const next = document.createElement("template");
  next.innerHTML = news.html;
  panel.replaceChildren(next.content);
  panel.dataset.status = news.status;
  panel.dataset.version = message.lastEventId;
  document.title = news.title;
}

function listen() {
  // Told what is shown already, the shop sends only what differs.
  source = new EventSource(`${panel.dataset.events}?shown=${panel.dataset.version}`);
  source.onmessage = show;
  source.onerror = () => {
    // A lost connection comes back by itself; an answer that was no stream does not.
    if (source?.readyState === EventSource.CLOSED) {
      source = null;
      setTimeout(follow, 3000);
    }
  };
}

// A browser keeps six connections to a shop: pages that nobody looks at leave theirs to the others.
function follow() {
  if (document.hidden) {
    source?.close();
    source = null;
  } else if (!source) {
    listen();
  }
}

if (panel) {
  document.addEventListener("visibilitychange", follow);
  panel.addEventListener("animationend", () => panel.classList.remove("turned"));
  follow();
}
