/** Messages between the student and the proctors. */

import { byId, el } from "../dom.js";
import { isoTime, wallClock } from "../time.js";

/**
 * @param {import("../protocol.js").Connection} connection
 */
export function setUpChat(connection) {
  const form = byId("chat-form", HTMLFormElement);
  const input = byId("chat-text", HTMLInputElement);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    input.value = "";
    connection.request("say", { text }, { keep: true }).catch((error) => {
      input.value = text;
      addLine({ who: "", text: error.message, at: connection.now(), side: "system" });
    });
  });
  connection.on("event", ({ event, payload = {}, at }) => {
    if (event !== "chat.said") return;
    const mine = payload.side === "student";
    addLine({ who: mine ? "You" : payload.name || "Proctor", text: payload.text, at, side: mine ? "mine" : "theirs" });
  });
}

/** @param {{who: string, text: string, at: number, side: "mine" | "theirs" | "system"}} line */
export function addLine({ who, text, at, side }) {
  const log = byId("chat-log");
  const head = el("p", { class: "chat-head" }, who && el("strong", {}, who), " ", el("time", { datetime: isoTime(at) }, wallClock(at).slice(0, 5)));
  log.append(el("div", { class: `chat-line ${side}` }, head, el("p", {}, text)));
  log.scrollTop = log.scrollHeight;
}
