
(() => {
  "use strict";
  const form = document.getElementById("filters");
  const counted = document.getElementById("counted");
  const rows = Array.from(document.querySelectorAll("#rows tbody tr"));
  const others = new Map();
  for (const other of document.querySelectorAll("[data-of]")) {
    const of = other.getAttribute("data-of");
    if (!others.has(of)) others.set(of, []);
    others.get(of).push(other);
  }
  const legend = Array.from(document.querySelectorAll(".legend [data-status]"));
  const facets = ["environment", "status", "type", "who", "text"];
  const said = counted.textContent;

  const who = (row) => Array.from(row.querySelectorAll("[data-who]"), (one) => one.getAttribute("data-who"));
  const fits = (row, wanted) => facets.every((facet) => {
    const value = wanted[facet];
    if (!value) return true;
    if (facet === "who") return who(row).includes(value);
    if (facet === "text") return row.textContent.toLowerCase().includes(value.toLowerCase());
    return row.getAttribute("data-" + facet) === value;
  });

  const show = (wanted) => {
    let shown = 0;
    const ended = new Map();
    for (const row of rows) {
      const is = fits(row, wanted);
      shown += is ? 1 : 0;
      const status = row.getAttribute("data-status");
      ended.set(status, (ended.get(status) || 0) + (is ? 1 : 0));
      row.classList.toggle("off", !is);
      for (const other of others.get(row.getAttribute("data-key")) || []) other.classList.toggle("off", !is);
    }
    for (const one of legend) {
      one.querySelector(".count").textContent = ended.get(one.getAttribute("data-status")) || 0;
    }
    counted.textContent = shown === rows.length ? said : shown + " of " + rows.length + " shown";
  };

  // What is filtered stands in the address, so that it can be sent to somebody else.
  const asked = () => {
    const words = new URLSearchParams(location.hash.slice(1));
    return Object.fromEntries(facets.map((facet) => [facet, words.get(facet) || ""]));
  };
  const fill = (wanted) => {
    for (const facet of facets) form.elements[facet].value = wanted[facet];
  };
  const read = () => Object.fromEntries(facets.map((facet) => [facet, form.elements[facet].value]));

  const reveal = () => {
    const id = location.hash.slice(1);
    if (!/^[dr]-[0-9a-f]+$/.test(id)) return;
    const place = document.getElementById(id);
    if (!place) return;
    if (place.closest(".off")) {
      form.reset();
      show(read());
    }
    const details = place.closest("details");
    if (details) details.open = true;
    (details || place).scrollIntoView();
    if (details) place.focus({ preventScroll: true });
  };

  const follow = () => {
    if (location.hash.includes("=")) {
      const wanted = asked();
      fill(wanted);
      show(wanted);
    } else {
      reveal();
    }
  };
  const change = () => {
    const wanted = read();
    const words = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
    history.replaceState(null, "", "#" + (words.toString() || "deployments"));
    show(wanted);
  };

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", change);
  form.addEventListener("reset", () => setTimeout(change));
  addEventListener("hashchange", follow);
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll(".deployment > details")) details.open = true;
  });
  form.hidden = false;
  follow();
})();
