// The merchant's list follows its orders: every few seconds, rows that have changed are replaced, new ones put on top.
"use strict";

const list = document.getElementById("orders");

// A form that somebody is filling in: a refund's, or the note of what was found.
const IN_USE = "details[open], input:focus";

// Rows that have changed while their form was in use: they wait until it no longer is.
const waiting = new Map();

async function follow() {
  const known = { "If-None-Match": list.dataset.etag };
  const answer = await fetch("/admin", { headers: known, redirect: "manual" });
  if (answer.status === 304) return true;
  // The way leads to the login: this list would say the same for ever.
  if (answer.type === "opaqueredirect" || answer.status === 401) {
    document.getElementById("out").hidden = false;
    return false;
  }
  if (!answer.ok) return true;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const news = page.getElementById("orders");
  let after = null;
  for (const row of Array.from(news.children)) {
    const shown = find(row);
    if (!shown) {
      if (after) after.after(row);
      else list.prepend(row);
    } else if (shown.dataset.version !== row.dataset.version) {
      waiting.set(row.dataset.order, row);
    }
    after = find(row);
  }
  // What newer orders have pushed off the page is not followed any more, so it is not shown, either.
  const kept = new Set(Array.from(news.children, (row) => row.dataset.order));
  for (const row of Array.from(list.children)) {
    if (!kept.has(row.dataset.order) && !row.querySelector(IN_USE)) row.remove();
  }
  list.dataset.etag = news.dataset.etag;
  document.getElementById("none").hidden = list.children.length > 0;
  return true;
}

function find(row) {
  return list.querySelector(`[data-order="${CSS.escape(row.dataset.order)}"]`);
}

function settle() {
  for (const [order, row] of waiting) {
    const shown = find(row);
    if (shown?.querySelector(IN_USE)) continue;
    shown?.replaceWith(row);
    waiting.delete(order);
  }
}

async function again() {
  let goOn = true;
  try {
    if (!document.hidden) goOn = await follow();
  } catch {
    // The shop is restarting; the next look finds it.
  }
  settle();
  if (goOn) setTimeout(again, 2000);
}

if (list) setTimeout(again, 2000);
