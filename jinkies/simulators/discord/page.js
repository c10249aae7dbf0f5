// Swaps in what the server rendered (and escaped), and presses buttons as the chosen person.
"use strict";
const channels = document.getElementById("channels");
const answer = document.getElementById("answer");
let shown = null;

async function refresh() {
  try {
    const html = await (await fetch("/_sim/page")).text();
    if (html !== shown) {
      shown = html;
      channels.innerHTML = html;
      for (const box of channels.querySelectorAll(".messages")) box.scrollTop = box.scrollHeight;
    }
  } catch {
    answer.textContent = "the simulator has stopped";
  }
  setTimeout(refresh, 500);
}

channels.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-custom-id]");
  if (!button || button.disabled) return;
  answer.textContent = "…";
  const response = await fetch("/_sim/press", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      message_id: button.dataset.message,
      custom_id: button.dataset.customId,
      user: document.getElementById("who").value,
    }),
  });
  const result = await response.json();
  const messages = [result.ephemeral ? result.message : null, ...(result.followups || [])];
  answer.textContent =
    result.error || result.reason || messages.filter(Boolean).map((message) => message.content).join(" ") || result.kind;
});

refresh();
