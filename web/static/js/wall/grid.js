/** The wall itself: tiles in order, filtered, paged; a picture for each tile that can be seen. */

import { byId, setText } from "../dom.js";
import { inOrder, passes } from "./order.js";
import { isTechnical } from "./store.js";
import { TileView } from "./tile.js";

/** @typedef {import("./order.js").Filter} Filter */

/** Tiles a page: as many slots as a connection has. */
export const PAGE_SIZE = 30;

/** States in which there is something to see, or soon again. */
const PICTURED = new Set(["connecting", "live", "frozen", "reconnecting"]);

export class Grid {
  /** @type {Map<string, TileView>} */ tiles = new Map();
  /** @type {string[]} ids on this page, in order */ shown = [];
  /** @type {Filter} */ filter = "all";
  search = "";
  page = 0;
  #grid = byId("grid");
  #visible = new Set();
  #dirty = false;
  #paused = false;
  #observer = new IntersectionObserver((entries) => this.#sighted(entries), { rootMargin: "80px" });

  /**
   * @param {import("./store.js").WallStore} store
   * @param {import("../watcher.js").Watchers} watchers
   * @param {{open: (id: string) => void, listen: (id: string) => void}} on
   */
  constructor(store, watchers, on) {
    this.store = store;
    this.watchers = watchers;
    this.on = on;
    store.addEventListener("reset", () => this.arrange());
    store.addEventListener("attempt", () => this.#soon());
    byId("page-back").addEventListener("click", () => this.turn(-1));
    byId("page-on").addEventListener("click", () => this.turn(1));
    setInterval(() => this.arrange(), 1_000);
  }

  /** No pictures while something else is in front. @param {boolean} paused */
  pause(paused) {
    this.#paused = paused;
    this.#supply();
  }

  /** @param {Filter} filter */
  setFilter(filter) {
    this.filter = filter;
    this.page = 0;
    this.arrange();
  }

  /** @param {string} search */
  setSearch(search) {
    this.search = search;
    this.page = 0;
    this.arrange();
  }

  /** @param {number} pages */
  turn(pages) {
    this.page += pages;
    this.arrange();
    this.#grid.scrollIntoView({ block: "start" });
  }

  /** Many messages, one rearrangement. */
  #soon() {
    if (this.#dirty) return;
    this.#dirty = true;
    requestAnimationFrame(() => this.arrange());
  }

  arrange() {
    this.#dirty = false;
    const alerts = new Map([...this.store.attempts.values()].map((one) => [one.id, this.store.alerts(one)]));
    const since = (/** @type {{id: string}} */ { id }) => alerts.get(id)?.[0]?.started_at ?? null;
    const matching = inOrder(this.store.attempts.values(), since).filter((attempt) =>
      passes(attempt, this.filter, this.search, Boolean(alerts.get(attempt.id)?.length)),
    );
    const pages = Math.max(1, Math.ceil(matching.length / PAGE_SIZE));
    this.page = Math.min(Math.max(0, this.page), pages - 1);
    const ids = matching.slice(this.page * PAGE_SIZE, (this.page + 1) * PAGE_SIZE).map(({ id }) => id);
    this.#place(ids);
    for (const id of ids) this.#update(id, alerts.get(id) ?? []);
    this.#supply();
    this.#showCounts(alerts, pages);
    this.#showEmpty(matching.length);
  }

  /** @param {string} id @param {import("./store.js").Incident[]} alerts */
  #update(id, alerts) {
    const attempt = this.store.attempts.get(id);
    if (!attempt) return;
    this.tiles.get(id)?.update(attempt, alerts, this.store.connection.now(), this.store.timeLeft(attempt));
  }

  /** Adds, removes and moves tiles; what stays where it is, is not touched. @param {string[]} ids */
  #place(ids) {
    if (ids.length === this.shown.length && ids.every((id, index) => id === this.shown[index])) return;
    const before = this.#positions();
    const focused = document.activeElement?.closest(".tile")?.getAttribute("data-attempt");
    for (const id of this.shown) if (!ids.includes(id)) this.#remove(id);
    ids.forEach((id, index) => {
      const tile = this.tiles.get(id) ?? this.#create(id);
      const there = this.#grid.children[index] ?? null;
      if (there !== tile.element) moveBefore(this.#grid, tile.element, there);
    });
    this.shown = ids;
    this.#rove();
    if (focused) this.tiles.get(focused)?.button.focus({ preventScroll: true });
    glide(this.#grid, before);
  }

  #positions() {
    return new Map([...this.#grid.children].map((element) => [element, element.getBoundingClientRect()]));
  }

  /** @param {string} id */
  #create(id) {
    const tile = new TileView(id, this.on);
    this.tiles.set(id, tile);
    tile.button.addEventListener("focus", () => this.#rove(id));
    this.#observer.observe(tile.element);
    return tile;
  }

  /** @param {string} id */
  #remove(id) {
    const tile = this.tiles.get(id);
    if (!tile) return;
    this.#observer.unobserve(tile.element);
    this.#visible.delete(tile.element);
    tile.hide();
    tile.element.remove();
    this.tiles.delete(id);
  }

  /** One tile at a time can be reached by Tab; arrows go on from there. @param {string} [id] */
  #rove(id) {
    const current = id ?? this.shown.find((one) => this.tiles.get(one)?.button.tabIndex === 0) ?? this.shown[0];
    for (const one of this.shown) {
      const tile = this.tiles.get(one);
      if (!tile) continue;
      tile.button.tabIndex = tile.listenButton.tabIndex = one === current ? 0 : -1;
    }
  }

  /** Moves the focus by tiles or rows. @param {"ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown"} key */
  move(key) {
    const at = this.shown.findIndex((id) => this.tiles.get(id)?.element.contains(document.activeElement));
    const columns = getComputedStyle(this.#grid).gridTemplateColumns.split(" ").length;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
    const next = at < 0 ? 0 : at + step;
    if (next >= 0 && next < this.shown.length) this.focusTile(this.shown[next]);
  }

  /** @param {string | undefined} [id] the first one where it is left out or not shown */
  focusTile(id) {
    (this.tiles.get(id ?? "") ?? this.tiles.get(this.shown[0]))?.button.focus();
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #sighted(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#visible.add(target);
      else this.#visible.delete(target);
    }
    this.#supply();
  }

  /** Gives slots to tiles that can be seen, takes them from those that cannot. */
  #supply() {
    const wanting = [];
    for (const [id, tile] of this.tiles) {
      const attempt = this.store.attempts.get(id);
      const pictured = attempt && PICTURED.has(attempt.state ?? "absent");
      const wanted = pictured && !this.#paused && this.#visible.has(tile.element);
      if (tile.showing && (!wanted || tile.worker !== (attempt.worker ?? 0))) tile.hide();
      if (wanted && !tile.showing) wanting.push({ tile, worker: attempt.worker ?? 0 });
    }
    for (const { tile, worker } of wanting) {
      const lease = this.watchers.claim(worker, "wall", tile.id, "low");
      if (lease) tile.show(lease);
    }
  }

  /** @param {Map<string, unknown[]>} alerts @param {number} pages */
  #showCounts(alerts, pages) {
    const attempts = [...this.store.attempts.values()];
    const attention = attempts.filter(({ id, flagged }) => alerts.get(id)?.length || flagged).length;
    const counts = {
      all: attempts.length,
      attention,
      technical: attempts.filter(isTechnical).length,
      hand: attempts.filter(({ hand_raised }) => hand_raised).length,
    };
    for (const [name, count] of Object.entries(counts)) {
      for (const element of document.querySelectorAll(`[data-count="${name}"]`)) setText(element, String(count));
    }
    byId("pager").hidden = pages < 2;
    setText(byId("page-said"), `${this.page + 1} of ${pages}`);
    byId("page-back", HTMLButtonElement).disabled = this.page === 0;
    byId("page-on", HTMLButtonElement).disabled = this.page === pages - 1;
    const live = attempts.filter(({ state }) => state === "live").length;
    setText(byId("summary"), `${live} of ${attempts.length} live`);
  }

  /** @param {number} matching */
  #showEmpty(matching) {
    const empty = byId("grid-empty");
    empty.hidden = matching > 0;
    if (matching) return;
    const none = this.store.attempts.size === 0;
    setText(empty, none ? NOBODY : this.search ? NOT_FOUND : EMPTY[this.filter]);
  }
}

const NOBODY = "Nobody has been admitted yet. Students appear here when they open their exam link.";
const NOT_FOUND = "No student has this name or seat.";

/** @type {Record<Filter, string>} */
const EMPTY = {
  all: NOBODY,
  attention: "Nobody needs attention now.",
  technical: "Every picture and sound arrives as it should.",
  hand: "No hand is raised.",
};

/** Moves without stopping the video where the browser can. @param {Element} parent @param {Element} node @param {Element | null} before */
function moveBefore(parent, node, before) {
  const mover = /** @type {Element & {moveBefore?: (node: Node, before: Node | null) => void}} */ (parent);
  if (mover.moveBefore && node.parentNode === parent) return mover.moveBefore(node, before);
  parent.insertBefore(node, before);
  node.querySelector("video")?.play().catch(() => {});
}

/** Shows where tiles went. @param {Element} grid @param {Map<Element, DOMRect>} before */
function glide(grid, before) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const element of grid.children) {
    const from = before.get(element);
    if (!from) continue;
    const to = element.getBoundingClientRect();
    if (from.x === to.x && from.y === to.y) continue;
    const transform = `translate(${from.x - to.x}px, ${from.y - to.y}px)`;
    element.animate([{ transform }, { transform: "none" }], { duration: 240, easing: "ease-out" });
  }
}
