// Swaps in what the server rendered (and escaped), and acts as the chosen person. It builds no HTML of its own.
"use strict";
const $ = (id) => document.getElementById(id);
const view = { channel: document.body.dataset.channel, thread: document.body.dataset.thread };
const shown = {};
const parts = ["channels", "title", "messages", "thread-title", "thread", "members", "form", "commands"];
let seen = "", asking = null, quiet = null;

function tell(text) {
  const answer = $("answer");
  answer.textContent = text;
  answer.hidden = !text;
  clearTimeout(quiet);
  if (text) quiet = setTimeout(() => { answer.hidden = true; }, 5000);
}

function put(id, html) {
  if (shown[id] === html) return;
  const box = $(id), first = shown[id] === undefined, end = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  shown[id] = html;
  box.innerHTML = html;
  if (id === "messages" || id === "thread") {
    if (first || end) box.scrollTop = box.scrollHeight;
    moments();
  }
  if (id === "form") html ? box.open || box.showModal() : box.close();
}

function moments() {
  for (const time of document.querySelectorAll("time.moment[data-style=R]")) {
    const left = (Date.parse(time.dateTime) - Date.now()) / 1000, size = Math.abs(left);
    const [unit, each] = size < 90 ? ["second", 1] : size < 5400 ? ["minute", 60] : size < 129600 ? ["hour", 3600] : ["day", 86400];
    time.title = time.dateTime;
    time.textContent = new Intl.RelativeTimeFormat("en").format(Math.round(left / each), unit);
  }
}

async function follow() {
  for (;;) {
    asking = new AbortController();
    try {
      const query = new URLSearchParams({ ...view, user: $("who").value, seen });
      const response = await fetch(`/_sim/page?${query}`, { signal: asking.signal });
      if (response.status === 200) {
        const answer = await response.json();
        seen = answer.version;
        for (const id of parts) put(id, answer.parts[id]);
        $("beside").hidden = !view.thread;
        for (const form of document.querySelectorAll(".composer")) hint(form);
      }
      if ($("answer").dataset.gone) { delete $("answer").dataset.gone; tell(""); }
      await new Promise((done) => setTimeout(done, 100));
    } catch (error) {
      if (error.name === "AbortError") continue;
      $("answer").dataset.gone = "1";
      tell("the simulator has stopped");
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
}

function again(change) {
  Object.assign(view, change);
  for (const id of ["messages", "thread"]) delete shown[id];
  seen = "";
  asking?.abort();
}

async function act(name, body) {
  tell("…");
  const response = await fetch(`/_sim/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ user: $("who").value, ...body }),
  });
  const result = await response.json();
  const failed = result.kind === "failed" ? "This interaction failed" : result.kind === "waiting" ? "no answer yet" : "";
  tell(result.error || result.reason || failed);
}

// "/logs tail service:api limit:5" as a command: its longest known name, then name:value pairs.
function command(line) {
  const names = [...$("commands").querySelectorAll("[data-command]")].map((each) => each.dataset.command);
  const name = names.filter((each) => `${line} `.startsWith(`${each} `)).sort((a, b) => b.length - a.length)[0];
  if (name === undefined) return null;
  const options = {};
  for (const [, key, quoted, bare] of line.slice(name.length).matchAll(/([\w-]+):(?:"([^"]*)"|(\S+))/g)) {
    const value = quoted ?? bare;
    const taken = $("commands").querySelector(`[data-command="${CSS.escape(name)}"] code`).textContent;
    const typed = new RegExp(`(?:^|[ \\[])${key}:([a-z|]+)`).exec(taken)?.[1];
    options[key] = typed === "number" ? Number(value) : typed === "true|false" ? value === "true" : value;
  }
  return { name, options };
}

function hint(form) {
  const where = form.dataset.where === "thread" ? $("thread-title") : $("title");
  form.firstElementChild.placeholder = `Message ${where.textContent.replace(/^[#›]\s*/, "")}, or / for commands`;
}

document.addEventListener("click", (event) => {
  const found = event.target.closest("button[data-custom-id], [data-thread], [data-channel], [data-command], [data-cancel], #close");
  if (!found || found === document.body || found.disabled) return;
  if (found.dataset.cancel !== undefined) {
    act("dismiss", { custom_id: $("form").querySelector("form").dataset.customId });
  } else if (found.dataset.command) {
    const box = document.querySelector(".composer input");
    box.value = `/${found.dataset.command} `;
    box.focus();
  } else if (found.dataset.customId) {
    act("press", { message_id: found.dataset.message, custom_id: found.dataset.customId });
  } else if (found.id === "close") {
    again({ thread: "" });
  } else {
    again({ channel: found.dataset.channel || view.channel, thread: found.dataset.thread || "" });
  }
});

document.addEventListener("change", (event) => {
  const menu = event.target;
  if (menu.id === "who") again({});
  if (!menu.matches("select.menu") || (!menu.multiple && !menu.value)) return;
  const values = [...menu.selectedOptions].map((each) => each.value);
  act("press", { message_id: menu.dataset.message, custom_id: menu.dataset.customId, values });
});

document.addEventListener("input", (event) => {
  if (event.target.matches(".composer input")) $("commands").hidden = !event.target.value.startsWith("/");
});

document.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  if (form.matches(".composer")) {
    const box = form.firstElementChild, line = box.value.trim();
    const channel = form.dataset.where === "thread" ? view.thread : view.channel;
    const typed = line.startsWith("/") ? command(line.slice(1)) : null;
    if (line) typed ? act("slash", { ...typed, channel }) : act("say", { content: line, channel });
    box.value = "";
    $("commands").hidden = true;
  } else {
    act("modal", { custom_id: form.dataset.customId, fields: Object.fromEntries(new FormData(form)) });
  }
});

$("form").addEventListener("cancel", (event) => {
  event.preventDefault();
  $("form").querySelector("[data-cancel]")?.click();
});

for (const form of document.querySelectorAll(".composer")) hint(form);
for (const id of ["messages", "thread"]) $(id).scrollTop = $(id).scrollHeight;
setInterval(moments, 5000);
moments();
follow();
