/** Light or dark: the system's choice until the person makes one. Loaded before the first paint. */

const KEY = "theme";
const root = document.documentElement;

/** @returns {"light" | "dark"} */
function current() {
  if (root.dataset.theme === "light" || root.dataset.theme === "dark") return root.dataset.theme;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** @param {Element} button */
function describe(button) {
  const next = current() === "dark" ? "light" : "dark";
  button.setAttribute("aria-label", `Switch to ${next} colours`);
  button.setAttribute("title", `Switch to ${next} colours`);
}

const stored = localStorage.getItem(KEY);
if (stored) root.dataset.theme = stored;

addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    describe(button);
    button.addEventListener("click", () => {
      root.dataset.theme = current() === "dark" ? "light" : "dark";
      localStorage.setItem(KEY, root.dataset.theme);
      describe(button);
    });
  }
});
