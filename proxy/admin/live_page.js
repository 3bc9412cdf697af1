// The live page: takes /status once a second as a server-sent event, and draws it. Counters come as they are;
// rates and latencies are differences between events, by the server's own clock. Keeps five minutes.
"use strict";

const STATES = ["leased", "idle", "settling", "draining", "connecting", "closing"];
const LETTER = { leased: "L", idle: "I", settling: "S", draining: "D", connecting: "C", closing: "X" };
const MEANING = {
  leased: "carries a request", idle: "open, proven quiet, ready", settling: "request over, php not yet proven to be done",
  draining: "its client left; the rest is read and thrown away", connecting: "being opened", closing: "being closed",
};
const KEEP_MS = 300e3, WINDOW = 10, SILENCE_MS = 5000;
const $ = (id) => document.getElementById(id);
const svg = (name, attributes, text) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
};

// ---- numbers as people read them
const integer = (n) => Math.round(n).toLocaleString("en");
const rateText = (n) => n === null ? "–" : n >= 100 ? integer(n) : n >= 10 ? n.toFixed(1) : n === 0 ? "0" : n.toFixed(2);
const percent = (n) => n === null ? "–" : (n >= 0.99995 || n === 0 ? (n * 100).toFixed(0) : (n * 100).toFixed(2)) + " %";
function seconds(s) {
  if (s === null || s === undefined) return "–";
  if (s === 0) return "0 s";
  if (s < 0.001) return (s * 1e6).toFixed(0) + " µs";
  if (s < 1) return (s * 1e3).toPrecision(s < 0.01 ? 2 : 3).replace(/\.0+$/, "") + " ms";
  return s < 10 ? s.toFixed(2) + " s" : span(s);
}
function span(s) {
  s = Math.floor(s);
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = parts.findIndex(([size]) => s >= size);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).map(([size, unit]) => {
    const n = Math.floor(s / size);
    s %= size;
    return n || unit !== "s" || first === 3 ? n + " " + unit : "";
  }).join(" ").trim();
}
function bytes(n) {
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (n < 1024) return (unit === "B" || n >= 100 ? Math.round(n) : n.toFixed(1)) + " " + unit;
    n /= 1024;
  }
  return n.toFixed(1) + " TiB";
}
const FORMAT = { text: String, seconds, span, bytes };

// ---- what was seen
let last = null;      // the last status
let recent = [];      // the last WINDOW + 1 of them
let samples = [];     // { t, rate, bad, clients, sent, pools: { name: {...} }, tw: {}, est: {} }; t alone: a gap

const at = (object, path) => path.split("/").reduce((o, key) => o === undefined || o === null ? undefined : o[key], object);

function per_second(now, before, path) {
  const time = before ? now.uptime_seconds - before.uptime_seconds : 0;
  const grown = before ? at(now, path) - at(before, path) : 0;
  return time > 0 && grown >= 0 ? grown / time : null;
}

// Over the window: growth of a number, or null.
function growth(now, path) {
  const before = recent[0];
  return before && before !== now && at(before, path) !== undefined ? at(now, path) - at(before, path) : null;
}

// Quantiles of what was observed within the window, as Prometheus' histogram_quantile() has them.
function quantiles(now, path, wanted) {
  const old = recent[0] && at(recent[0], path + "/buckets");
  const grown = at(now, path + "/buckets").map((n, i) => n - (old && recent[0] !== now ? old[i] : n));
  const all = grown.reduce((a, b) => a + b, 0), bounds = now.histogram_bounds_seconds;
  return wanted.map((q) => {
    if (all <= 0) return null;
    let below = 0, i = 0;
    while (i < grown.length - 1 && (below + grown[i] < q * all || grown[i] === 0)) below += grown[i++];
    if (i >= bounds.length) return bounds[bounds.length - 1];
    const from = i ? bounds[i - 1] : 0;
    return from + (bounds[i] - from) * Math.max(0, q * all - below) / grown[i];
  });
}

// Our end of the connection: we serve on listeners, and connect to pools.
const ours = (port) => port.role === "pool" ? port.client : port.server;

function take(status) {
  const time = Date.now();
  // A restart begins the counters anew.
  if (last && (status.pid !== last.pid || status.uptime_seconds < last.uptime_seconds)) last = null, recent = [];
  if (!last && samples.length) samples.push({ t: time });
  if (recent.length && status.uptime_seconds - recent[recent.length - 1].uptime_seconds > 4) {
    recent = [];
    samples.push({ t: time });
  }
  const sample = { t: time, pools: {}, tw: {}, est: {} };
  sample.rate = per_second(status, last, "clients/requests");
  sample.bad = per_second(status, last, "clients/responses/5xx");
  sample.sent = per_second(status, last, "clients/bytes_sent");
  sample.clients = status.clients.connections;
  recent.push(status);
  recent = recent.slice(-WINDOW - 1);
  for (const name of Object.keys(status.pools)) {
    const path = "pools/" + name;
    const before = last && last.pools[name] ? last : null;
    const [p50, p99] = quantiles(status, path + "/times/total", [0.5, 0.99]);
    sample.pools[name] = { rate: per_second(status, before, path + "/requests"), p50, p99 };
  }
  for (const port of status.sockets.ports) {
    sample.tw[port.port] = port.server.time_wait + port.client.time_wait;
    sample.est[port.port] = ours(port).established;
  }
  samples.push(sample);
  samples = samples.filter((s) => s.t > time - KEEP_MS);
  last = status;
}

// ---- drawing
function fill(root, data) {
  for (const element of root.querySelectorAll("[data-path]")) {
    if (root === document && element.closest(".pool")) continue;
    const value = at(data, element.dataset.path);
    if (value === undefined || value === null) continue;
    element.dataset.value = value;
    element.textContent = (FORMAT[element.dataset.as] || integer)(value);
  }
}

// A line of the last five minutes without axes, from zero to its own maximum.
function spark(element, values) {
  const most = Math.max(...values.map(([, v]) => v ?? 0), 1e-9);
  const now = values.length ? values[values.length - 1][0] : 0;
  const first = Math.min(now - 60e3, values.length ? values[0][0] : 0);
  const x = (t) => (100 * (t - first) / (now - first)).toFixed(2), y = (v) => (30 - 27 * v / most).toFixed(2);
  let line = "", area = "", start = null, end = null;
  const shut = () => { if (start !== null) area += `V30H${start}Z`; start = null; };
  for (const [t, v] of values) {
    if (v === null || v === undefined) { shut(); continue; }
    end = x(t);
    const move = start === null ? "M" : "L";
    line += `${move}${end} ${y(v)}`;
    area += start === null ? `M${end} 30L${end} ${y(v)}` : `L${end} ${y(v)}`;
    if (start === null) start = end;
  }
  shut();
  element.setAttribute("viewBox", "0 0 100 30");
  element.setAttribute("preserveAspectRatio", "none");
  element.replaceChildren(svg("path", { class: "area", d: area }), svg("path", { d: line }));
}

function nice(most) {
  const size = 10 ** Math.floor(Math.log10(Math.max(most, 4)));
  return [1, 2, 4, 5, 10].map((n) => n * size).find((n) => n >= Math.max(most, 4));
}

// Lines over time with axes; `value(sample, port)`. What lies under the pointer is read out.
function chart(element, value, ports, word) {
  const width = element.clientWidth || 500, height = element.clientHeight || 190;
  const left = 46, right = 8, top = 12, bottom = 20;
  const known = samples.filter((s) => s.pools);
  const now = known.length ? known[known.length - 1].t : 0;
  const first = Math.min(now - 60e3, known.length ? known[0].t : 0);
  const most = nice(1.02 * Math.max(0, ...known.flatMap((s) => ports.map((p) => value(s, p.port) ?? 0))));
  const x = (t) => left + (width - left - right) * (t - first) / (now - first);
  const y = (v) => height - bottom - (height - top - bottom) * v / most;
  const parts = [];
  for (const tick of [0, most / 2, most]) {
    parts.push(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }),
               svg("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, integer(tick)));
  }
  const step = now - first > 150e3 ? 60 : 15;
  for (let ago = 0; ago * 1000 <= now - first; ago += step) {
    const text = ago === 0 ? "now" : step === 60 ? `−${ago / 60} min` : `−${ago} s`;
    parts.push(svg("text", { x: x(now - ago * 1000), y: height - 4, "text-anchor": ago === 0 ? "end" : "middle" }, text));
  }
  ports.forEach((port, index) => {
    let d = "", broken = true;
    for (const sample of samples) {
      const v = sample.pools ? value(sample, port.port) : undefined;
      if (v === undefined) { broken = true; continue; }
      d += `${broken ? "M" : "L"}${x(sample.t).toFixed(1)} ${y(v).toFixed(1)}`;
      broken = false;
    }
    parts.push(svg("path", { d, style: `stroke: var(--s${index % 6})`, "data-port": port.port }));
  });
  const near = element.pointer === undefined ? null : known.reduce((best, s) =>
    !best || Math.abs(x(s.t) - element.pointer) < Math.abs(x(best.t) - element.pointer) ? s : best, null);
  if (near) {
    const values = ports.map((p) => `:${p.port} ${integer(value(near, p.port) ?? 0)}`).join("   ");
    const ago = Math.round((now - near.t) / 1000);
    parts.push(svg("line", { class: "cursor", x1: x(near.t), x2: x(near.t), y1: top, y2: height - bottom }),
               svg("text", { class: "readout", x: left + 4, y: top }, (ago ? `${ago} s ago   ` : "now   ") + values));
  }
  element.setAttribute("viewBox", `0 0 ${width} ${height}`);
  element.setAttribute("aria-label", `${word} over time. Now: ` +
    (known.length ? ports.map((p) => `port ${p.port} ${value(known[known.length - 1], p.port) ?? 0}`).join(", ") : "nothing yet"));
  element.replaceChildren(...parts);
}

function cells(row, values) {
  const headings = document.querySelectorAll("#ports th");
  row.replaceChildren(...values.map(([text, name, path], column) => {
    const cell = document.createElement("td");
    if (name) cell.className = name;
    if (path) cell.dataset.socket = path;
    if (column > 1) cell.dataset.label = headings[column].textContent.replaceAll("\u00ad", "");
    if (text instanceof Node) cell.append(text); else cell.textContent = text;
    return cell;
  }));
}

// Connections out of this machine to one address share its ephemeral ports, whichever side TIME_WAIT lies on.
function taken_ports(port, range) {
  const out = document.createElement("span");
  if (port.role !== "pool") {
    out.textContent = "–";
    return out;
  }
  const taken = port.client.total + port.server.time_wait;
  out.innerHTML = '<span class="bar" aria-hidden="true"><i></i></span>';
  out.querySelector("i").style.width = Math.min(100, 100 * taken / range) + "%";
  out.append(`${integer(taken)} of ${integer(range)}`);
  return out;
}

function draw_fronts(status, before) {
  const fronts = status.web_servers;
  $("fronts-card").hidden = fronts.length === 0;
  $("fronts").tBodies[0].replaceChildren(...fronts.map((front, index) => {
    const row = document.createElement("tr");
    const same = before && before.web_servers[index]?.listener === front.listener;
    const rate = per_second(status, same ? before : null, `web_servers/${index}/requests`);
    for (const text of [front.listener, integer(front.requests), rateText(rate), front.script || "–"])
      row.insertCell().textContent = text;
    row.cells[1].className = row.cells[2].className = "n";
    return row;
  }));
}

function draw_sockets(status) {
  const { ports, error, age_seconds } = status.sockets;
  // Where there are very many, they are counted less often.
  $("sockets-age").textContent = error ? "; the kernel does not tell: " + error :
    age_seconds >= 2 ? `; counted ${span(age_seconds)} ago` : "";
  chart($("tw-chart"), (s, port) => s.tw[port], ports, "TIME_WAIT");
  chart($("est-chart"), (s, port) => s.est[port], ports, "ESTABLISHED");
  const what = (port) => port.role === "pool" ? `pool ${port.name}` : port.name;
  const items = ports.map((port, index) => {
    const item = document.createElement("li"), line = document.createElement("i");
    line.style.background = `var(--s${index % 6})`;
    item.append(line, `:${port.port} ${what(port)}`);
    return item;
  });
  $("ports-legend").replaceChildren(...items);
  const rows = ports.map((port) => {
    const row = document.createElement("tr"), id = `${port.port}/`;
    cells(row, [[`:${port.port}`], [what(port)], [integer(ours(port).established), "n", id + "established"],
                [integer(port.server.time_wait), "n", id + "server/time_wait"],
                [integer(port.client.time_wait), "n", id + "client/time_wait"],
                [taken_ports(port, status.sockets.ephemeral_ports)]]);
    return row;
  });
  for (const [name, pool] of Object.entries(status.pools)) {
    if (!pool.address.startsWith("unix:")) continue;
    const row = document.createElement("tr"), open = pool.connections.length - pool.connecting - pool.closing;
    cells(row, [["unix"], [`pool ${name}`], [integer(open), "n"], ["none", "n"], ["none", "n"], ["none needed"]]);
    rows.push(row);
  }
  document.querySelector("#ports tbody").replaceChildren(...rows);
}

// A connection keeps its place from opening to closing.
function draw_slots(card, pool) {
  const list = card.querySelector(".slots");
  const places = card.places ||= new Map();
  const ids = new Set(pool.connections.map((c) => c.id));
  for (const id of [...places.keys()]) if (!ids.has(id)) places.delete(id);
  const used = new Set(places.values());
  let free = 0;
  for (const connection of pool.connections) {
    if (places.has(connection.id)) continue;
    while (used.has(free)) ++free;
    used.add(free);
    places.set(connection.id, free);
  }
  const by_place = new Map(pool.connections.map((c) => [places.get(c.id), c]));
  list.classList.toggle("many", pool.max_connections > 48);
  while (list.children.length > pool.max_connections) list.lastChild.remove();
  while (list.children.length < pool.max_connections) list.append(document.createElement("li"));
  [...list.children].forEach((slot, place) => {
    const connection = by_place.get(place);
    const long = connection && connection.state === "leased" && connection.seconds >= 1;
    slot.className = connection ? connection.state + (connection.state === "leased" && connection.seconds >= 10 ? " long" : "") : "free";
    slot.textContent = !connection ? "" : long ? short_span(connection.seconds) : LETTER[connection.state];
    slot.title = !connection ? "free: not opened" :
      `connection ${connection.id}: ${connection.state} for ${seconds(connection.seconds)} (${MEANING[connection.state]}); ` +
      `${integer(connection.requests)} requests so far`;
  });
  const count = (state) => state === "free" ? pool.max_connections - pool.connections.length : pool[state];
  const all = [...STATES, "free"];
  list.setAttribute("aria-label", `${pool.max_connections} connections: ` +
    all.filter((s) => count(s) > 0).map((s) => `${count(s)} ${s}`).join(", "));
  const states = card.querySelector(".states");
  if (!states.children.length) {
    states.innerHTML = all.map((s) => `<div title="${MEANING[s] || "not opened"}"><i class="${s}"></i><dt>${s}</dt><dd data-state="${s}"></dd></div>`).join("");
  }
  for (const state of all) {
    const number = states.querySelector(`[data-state=${state}]`);
    number.textContent = count(state);
    number.parentNode.classList.toggle("none", count(state) === 0);
  }
}

const short_span = (s) => s < 60 ? Math.floor(s) + "s" : s < 3600 ? Math.floor(s / 60) + "m" : Math.floor(s / 3600) + "h";

function draw_fpm(element, fpm, connections) {
  element.hidden = !fpm;
  if (!fpm) return;
  element.classList.toggle("bad", fpm.up === false);
  if (fpm.up !== true) {
    element.textContent = fpm.up === null ? "php-fpm's own numbers: not asked yet; requests go first" : "php-fpm's own numbers: " + fpm.error;
    return;
  }
  const b = (key, bad) => `<b class="${bad ? "bad" : ""}" data-path="php_fpm/${key}" data-value="${Number(fpm[key])}">${integer(fpm[key])}</b>`;
  // GH-14212, GH-18956: each request on a kept connection counts as one more worker, until php-fpm's next second.
  const ahead = fpm.active_processes > connections ? "its count runs ahead on kept connections" : "a kept connection counts";
  element.innerHTML = `php-fpm says (${span(fpm.age_seconds)} ago): ${b("total_processes")} workers, ${b("active_processes")} active ` +
    `(${ahead}), ${b("idle_processes")} idle; backlog ${b("listen_queue", fpm.listen_queue > 0)}, ` +
    `at most ${b("max_listen_queue")}; pm.max_children reached ${b("max_children_reached")} times; ` +
    `${b("slow_requests", fpm.slow_requests > 0)} slow requests; up ${span(fpm.start_since)}`;
}

const listed = (object) => Object.entries(object).filter(([, n]) => n > 0)
  .map(([key, n]) => `${key.replaceAll("_", " ")} ${integer(n)}`).join(", ") || "none";

function draw_pool(card, name, pool, status) {
  const text = (selector, value) => { card.querySelector(selector).textContent = value; };
  const path = "pools/" + name;
  fill(card, pool);
  draw_slots(card, pool);
  text("h2", name);
  text(".mode", pool.keep_alive ? "" : "· keep_alive: false, one connection a request");
  const badge = card.querySelector(".badge");
  badge.className = "badge" + (!pool.reachable ? " bad" : pool.paused ? " warn" : "");
  badge.textContent = !pool.reachable ? "not reachable" : pool.paused ? "paused" : "ok";
  card.querySelector(".queue .mid").classList.toggle("warn", pool.waiting > 0);
  card.querySelector(".queue .bar i").style.width = Math.min(100, 100 * pool.waiting / Math.max(1, pool.queue_size)) + "%";
  text(".queue-p99", seconds(quantiles(status, path + "/times/queue_wait", [0.99])[0]));
  const sample = samples[samples.length - 1].pools[name];
  text(".rate", rateText(sample.rate));
  text(".p50", seconds(sample.p50));
  text(".p99", seconds(sample.p99));
  text(".first-p50", seconds(quantiles(status, path + "/times/first_byte", [0.5])[0]));
  const requests = growth(status, path + "/requests"), reused = growth(status, path + "/reused");
  const reuse = requests > 0 ? reused / requests : null;
  const reuse_all = pool.requests > 0 ? pool.reused / pool.requests : null;
  text(".reuse", percent(reuse));
  card.querySelector(".bar.good i").style.width = 100 * (reuse ?? reuse_all ?? 0) + "%";
  text(".reuse-all", percent(reuse_all));
  const before = recent[0] !== status && at(recent[0], path) ? recent[0] : null;
  text(".open-rate", rateText(per_second(status, before, path + "/opened")));
  const line = (key) => samples.map((s) => [s.t, s.pools?.[name]?.[key]]);
  spark(card.querySelector(".rate-line"), line("rate"));
  spark(card.querySelector(".p99-line"), line("p99"));
  text(".closed dd", listed(pool.closed));
  text(".retried dd", listed(pool.retried));
  const refused = pool.rejected.queue_full + pool.rejected.queue_timeout;
  text(".trouble", [refused && `${integer(refused)} × 503`, pool.connect_errors && `${integer(pool.connect_errors)} connect errors`]
    .filter(Boolean).join(", "));
  draw_fpm(card.querySelector(".fpm"), pool.php_fpm, pool.max_connections);
}

function draw() {
  if (!last || document.hidden) return;
  fill(document, last);
  const sample = samples[samples.length - 1];
  $("rate").textContent = rateText(sample.rate);
  $("bad-rate").textContent = rateText(sample.bad);
  $("bad-tile").classList.toggle("bad", sample.bad > 0);
  $("sent-rate").textContent = sample.sent === null ? "–" : bytes(sample.sent) + "/s";
  for (const [id, key] of [["rate-line", "rate"], ["bad-line", "bad"], ["clients-line", "clients"], ["sent-line", "sent"]]) {
    spark($(id), samples.map((s) => [s.t, s[key]]));
  }
  const names = Object.keys(last.pools);
  for (const card of [...$("pools").children]) if (!names.includes(card.dataset.pool)) card.remove();
  for (const name of names) {
    let card = [...$("pools").children].find((c) => c.dataset.pool === name);
    if (!card) {
      card = $("pool-template").content.firstElementChild.cloneNode(true);
      card.dataset.pool = name;
      card.setAttribute("aria-label", "pool " + name);
      $("pools").append(card);
    }
    draw_pool(card, name, last.pools[name], last);
  }
  draw_fronts(last, recent[0]);
  draw_sockets(last);
  document.title = `${rateText(sample.rate)}/s · Holdfast`;
}

// ---- the connection
let events = null, heard = 0, lost_since = null;

function show_link(name, text) {
  const link = $("link");
  if (link.textContent !== text) link.textContent = text;
  link.className = name;
  $("main").classList.toggle("stale", name === "lost");
}

function on_lost() {
  lost_since ||= new Date();
  show_link("lost", `no connection since ${lost_since.toLocaleTimeString()}`);
  document.title = "no connection · Holdfast";
}

function connect() {
  if (events) events.close();
  heard = Date.now();
  events = new EventSource("events");
  events.onmessage = (message) => {
    heard = Date.now();
    take(JSON.parse(message.data));
    lost_since = null;
    const refused = last.config.error;
    show_link(last.stopping || refused ? "wait" : "live", last.stopping ? "stopping" : refused ? "live, the last reload was refused" : "live");
    $("link").title = refused ?? "";
    draw();
  };
  events.onerror = on_lost;
}

// The browser tries again by itself, except after an answer that is no stream; and a silent server shows no error.
setInterval(() => {
  if (Date.now() - heard < SILENCE_MS) return;
  on_lost();
  connect();
}, 1000);
for (const id of ["tw-chart", "est-chart"]) {
  $(id).addEventListener("pointermove", (event) => {
    $(id).pointer = event.clientX - $(id).getBoundingClientRect().left;
    draw();
  });
  $(id).addEventListener("pointerleave", () => { $(id).pointer = undefined; draw(); });
}
document.addEventListener("visibilitychange", draw);
addEventListener("resize", draw);
connect();
