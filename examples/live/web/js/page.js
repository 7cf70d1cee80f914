// The page: what the client tells, shown; what the reader does, passed on.

import { Chart } from "./chart.js";
import { Client } from "./client.js";
import { CLOSE_CODES, STATES } from "./socket.js";

const CHART = "chart";
const MOST_MESSAGES = 200; // kept of a channel
const MOST_LINES = 100; // kept of the log
const $ = (id) => document.getElementById(id);

const query = new URLSearchParams(location.search);
const name = query.get("name") || sessionStorage.getItem("name") || makeName();
sessionStorage.setItem("name", name);

const client = new Client(name);
const chart = new Chart($("chart"));
const channels = new Map(); // name: {count, names, messages}
let current = "lobby";

function makeName() {
  const pick = (words) => words[Math.floor(Math.random() * words.length)];
  const number = Math.floor(Math.random() * 90 + 10);
  return `${pick(["swift", "calm", "bright", "keen"])}-${pick(["heron", "otter", "lynx"])}-${number}`;
}

function element(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

function clock(date = new Date()) {
  return element("time", {}, date.toLocaleTimeString([], { hour12: false }));
}

// --- The connection ------------------------------------------------------------------------------

function log(text, className = "") {
  $("log").prepend(element("li", { className }, clock(), element("span", {}, text)));
  while ($("log").children.length > MOST_LINES) $("log").lastChild.remove();
}

function notice(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

function showState() {
  const state = client.socket.readyState;
  $("state").dataset.state = state;
  $("state").title = `readyState ${state}`;
  $("state-name").textContent = STATES[state];
  $("publish").querySelector("button").disabled = state !== WebSocket.OPEN;
}

client.addEventListener("state", showState);
client.addEventListener("lost", ({ detail: { code, reason, wait } }) => {
  const meaning = CLOSE_CODES[code] ?? "of the application";
  log(`closed with ${code}, ${meaning}${reason ? `: ${reason}` : ""}`, "bad");
  const seconds = (wait / 1000).toFixed(1);
  log(`trying again in ${seconds} s`);
  notice(`Not connected (${code}, ${meaning}). Trying again in ${seconds} s.`);
  $("round-trip").textContent = "–";
});
client.addEventListener("round-trip", ({ detail: { milliseconds } }) => {
  $("round-trip").textContent = `${milliseconds.toFixed(1)} ms`;
});
setInterval(() => {
  const unsent = client.socket.bufferedAmount;
  $("unsent").textContent = unsent < 1024 ? `${unsent} B` : `${(unsent / 1024).toFixed(1)} KiB`;
}, 500);

// --- What the server says ------------------------------------------------------------------------

const answers = {
  welcome(message) {
    $("node").textContent = message.node;
    $("name").textContent = message.name;
    notice("");
    log(`connected to server ${message.node}`, "good");
  },
  subscribed(message) {
    answers.presence(message);
    if (message.channel !== CHART) log(`subscribed to #${message.channel}`);
  },
  unsubscribed() {},
  presence({ channel, count, names }) {
    Object.assign(channels.get(channel) ?? {}, { count, names });
    showChannels();
  },
  message(message) {
    const channel = channels.get(message.channel);
    if (!channel) return;
    channel.messages.push(message);
    if (channel.messages.length > MOST_MESSAGES) channel.messages.shift();
    if (message.channel === current) showMessage(message);
  },
  pong() {},
  error({ reason }) {
    log(reason, "bad");
    notice(reason);
    setTimeout(notice, 4000, "");
  },
};

client.addEventListener("answer", ({ detail }) => answers[detail.type]?.(detail));
client.addEventListener("point", ({ detail }) => {
  const [second, connections, came, sent, late, share] = detail;
  chart.add(second, sent);
  $("connections").textContent = connections;
  $("came").textContent = came.toFixed(0);
  $("sent").textContent = sent.toFixed(0);
  $("late").textContent = `${late.toFixed(1)} ms`;
  $("share").textContent = `${share.toFixed(0)} %`;
});

// --- Channels ------------------------------------------------------------------------------------

function showChannels() {
  $("channels").replaceChildren(
    ...[...channels].map(([channel, { count }]) => {
      const open = element("button", { className: "open", type: "button" }, `#${channel}`);
      open.onclick = () => enter(channel);
      const leave = element("button", { className: "leave", type: "button", title: "Leave" }, "×");
      leave.onclick = () => quit(channel);
      const line = element("li", {}, open, element("span", { className: "count" }, count), leave);
      line.setAttribute("aria-current", channel === current);
      line.dataset.channel = channel;
      return line;
    }),
  );
  const names = channels.get(current)?.names ?? [];
  $("members").replaceChildren(
    ...names.map((each) => element("li", { className: each === name ? "me" : "" }, each)),
  );
}

// The list follows what comes, unless the reader has scrolled up.
const list = $("messages");
let following = true;
const follow = () => following && (list.scrollTop = list.scrollHeight);
list.onscroll = () => (following = list.scrollHeight - list.scrollTop - list.clientHeight < 40);
new ResizeObserver(follow).observe(list);

function showMessage({ name: who, text, at }) {
  const said = element("div", { className: "who" }, `${who} · `, clock(new Date(at * 1000)));
  const what = element("div", { className: "what" }, text);
  list.append(element("li", { className: who === name ? "mine" : "" }, said, what));
  while (list.children.length > MOST_MESSAGES) list.firstChild.remove();
  follow();
}

function join(channel) {
  if (channels.has(channel)) return;
  channels.set(channel, { count: 0, names: [], messages: [] });
  client.subscribe(channel);
}

function enter(channel) {
  current = channel;
  $("current").textContent = channel;
  list.replaceChildren();
  following = true;
  for (const message of channels.get(channel).messages) showMessage(message);
  showChannels();
}

function quit(channel) {
  client.unsubscribe(channel);
  channels.delete(channel);
  log(`left #${channel}`);
  if (channel === current && channels.size) enter(channels.keys().next().value);
  else showChannels();
}

$("subscribe").onsubmit = (event) => {
  event.preventDefault();
  const channel = $("new-channel").value;
  if (channel === CHART) return;
  join(channel);
  enter(channel);
  $("new-channel").value = "";
};

$("publish").onsubmit = (event) => {
  event.preventDefault();
  const refused = client.publish(current, $("text").value);
  if (refused) answers.error({ reason: refused });
  else $("text").value = "";
};

$("theme").onclick = () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  chart.redraw();
};

join("lobby");
join("news");
client.channels.add(CHART);
client.subscribe(CHART);
enter("lobby");
showState();
