for (const head of document.querySelectorAll("th[data-by]")) {
  const column = head.cellIndex, body = head.closest("table").tBodies[0];
  const value = row => row.cells[column].dataset.v;
  const sort = () => {
    const up = head.getAttribute("aria-sort") !== (head.dataset.by === "down" ? "descending" : "ascending");
    const sign = (head.dataset.by === "down") === up ? -1 : 1;
    const order = (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      return sign * (head.dataset.as === "text" ? x.localeCompare(y) : x - y);
    };
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    body.append(...[...body.rows].sort(order));
  };
  head.tabIndex = 0;
  head.addEventListener("click", sort);
  head.addEventListener("keydown", event => event.key === "Enter" && sort());
}
