// The merchant's list follows its orders: every few seconds, rows that have changed are replaced, new ones put on top.
"use strict";

const list = document.getElementById("orders");

async function follow() {
  const answer = await fetch("/admin");
  // Logged out meanwhile: leave what is shown, a reload leads to the login.
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const rows = page.getElementById("orders").children;
  let after = null;
  for (const row of Array.from(rows)) {
    const shown = list.querySelector(`[data-order="${CSS.escape(row.dataset.order)}"]`);
    if (!shown) {
      if (after) after.after(row);
      else list.prepend(row);
    } else if (shown.dataset.version !== row.dataset.version && !isBeingFilled(shown)) {
      shown.replaceWith(row);
    }
    after = list.querySelector(`[data-order="${CSS.escape(row.dataset.order)}"]`);
  }
  document.getElementById("none").hidden = list.children.length > 0;
}

function isBeingFilled(row) {
  return row.contains(document.activeElement) && document.activeElement.matches("input");
}

async function again() {
  try {
    if (!document.hidden) await follow();
  } catch {
    // The shop is restarting; the next look finds it.
  }
  setTimeout(again, 2000);
}

if (list) setTimeout(again, 2000);
