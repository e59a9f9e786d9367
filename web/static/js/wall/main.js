/** The proctor's wall: builds its parts and connects them. */

import { byId, pageData, setAttribute, setText } from "../dom.js";
import { Connection } from "../protocol.js";
import { Watchers } from "../watcher.js";
import { Feed } from "./feed.js";
import { Focus } from "./focus.js";
import { Listening } from "./focus_media.js";
import { Grid, PAGE_SIZE } from "./grid.js";
import { setUpKeys } from "./keys.js";
import { WallStore } from "./store.js";

const page = pageData();
const connection = new Connection(page.socket);
const watchers = new Watchers(connection, PAGE_SIZE);
const store = new WallStore(connection);
const listening = new Listening(watchers, showListening);
/** @type {Grid} */ const grid = new Grid(store, watchers, { open, listen });
const focus = new Focus(store, watchers, listening, { reviewPrefix: page.review, onclose: closed });
new Feed(store, open);
let lastOpen = "";

/** @param {string} id */
function open(id) {
  lastOpen = id;
  grid.pause(true);
  focus.open(id);
}

function closed() {
  grid.pause(false);
  grid.focusTile(lastOpen);
}

/** @param {string} id */
function listen(id) {
  const attempt = store.attempts.get(id);
  if (attempt) listening.toggle(attempt);
}

/** The student in focus, or the one whose tile is. */
function listenHere() {
  const tile = document.activeElement?.closest("[data-attempt]")?.getAttribute("data-attempt");
  const id = focus.attempt ?? tile;
  if (id) listen(id);
}

/** On from the one in focus to the next who needs attention. */
function next() {
  const waiting = [...store.attempts.values()].filter((attempt) => store.alerts(attempt).length && attempt.id !== focus.attempt);
  waiting.sort((a, b) => store.alerts(a)[0].started_at - store.alerts(b)[0].started_at);
  if (waiting.length) open(waiting[0].id);
}

function showListening() {
  for (const [id, tile] of grid.tiles) {
    setAttribute(tile.listenButton, "aria-pressed", listening.attempt === id ? "true" : "false");
  }
  focus?.update();
}

function setUpToolbar() {
  const filters = [...document.querySelectorAll("[data-filter]")];
  for (const button of filters) {
    button.addEventListener("click", () => {
      for (const one of filters) setAttribute(one, "aria-pressed", one === button ? "true" : "false");
      grid.setFilter(/** @type {import("./order.js").Filter} */ (button.getAttribute("data-filter")));
    });
  }
  const search = byId("search", HTMLInputElement);
  search.addEventListener("input", () => grid.setSearch(search.value));
  const density = byId("density", HTMLInputElement);
  density.value = localStorage.getItem("tile-size") ?? density.value;
  const resize = () => byId("grid").style.setProperty("--tile", `${density.value}px`);
  density.addEventListener("input", () => {
    localStorage.setItem("tile-size", density.value);
    resize();
  });
  resize();
}

/** The tab's title tells a proctor who is elsewhere. */
function showWaiting() {
  const waiting = [...store.attempts.values()].filter((attempt) => store.alerts(attempt).length).length;
  document.title = `${waiting ? `(${waiting}) ` : ""}${store.title} · wall · Invigil`;
}

connection.on("bye", ({ reason, reconnect }) => {
  if (reconnect) return;
  setText(byId("link-state"), "");
  const banner = byId("link-banner");
  banner.hidden = false;
  banner.replaceChildren(`This page was disconnected (${reason}). Reload it to come back.`);
});
connection.onState((state) => {
  if (state === "closed") return;
  byId("link-banner").hidden = state === "open" || store.attempts.size === 0;
  setText(byId("link-state"), state === "open" ? "" : "Connecting …");
});

setUpToolbar();
setUpKeys({ grid, focus, listen: listenHere, next });
setInterval(showWaiting, 1_000);
addEventListener("pagehide", () => watchers.close());
connection.open();
