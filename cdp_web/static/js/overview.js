// The chart of the overview: net revenue as bars or line, orders as a line, the period before in grey. Colours come from the design tokens.
const source = JSON.parse(document.getElementById("chart-data").textContent);
const place = document.getElementById("chart");

function token(name) {
  // A token may contain light-dark(); only a real property resolves it to the current colour.
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

function traces(colours) {
  const { now, before, symbol } = source;
  const revenue = {
    name: "Net revenue",
    x: now.day,
    y: now.revenue,
    type: "bar",
    marker: { color: colours.bar, cornerradius: 3 },
    hovertemplate: `${symbol}%{y:,.2f}<extra>Net revenue</extra>`,
  };
  const orders = {
    name: "Orders",
    x: now.day,
    y: now.orders,
    yaxis: "y2",
    type: "scatter",
    mode: "lines",
    line: { color: colours.second, width: 2 },
    hovertemplate: "%{y:,}<extra>Orders</extra>",
  };
  if (!before) return [revenue, orders];
  const earlier = {
    name: "Net revenue, period before",
    x: now.day,
    y: before.revenue,
    customdata: before.day,
    type: "scatter",
    mode: "lines",
    line: { color: colours.muted, width: 1.5, dash: "dot" },
    hovertemplate: `${symbol}%{y:,.2f}<extra>%{customdata}</extra>`,
  };
  return [revenue, earlier, orders];
}

function layout(colours) {
  const axis = {
    gridcolor: colours.grid,
    zeroline: false,
    fixedrange: true,
    rangemode: "tozero",
    automargin: true,
    tickfont: { color: colours.muted },
  };
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 8, r: 8, t: 36, b: 8 },
    hovermode: "x unified",
    bargap: 0.35,
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colours.text },
    hoverlabel: { bgcolor: colours.surface, bordercolor: colours.grid, font: { color: colours.text } },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", itemclick: false, itemdoubleclick: false },
    xaxis: { ...axis, showgrid: false, type: "date", hoverformat: "%A, %-d %b %Y", tickformat: "%-d %b" },
    yaxis: { ...axis, tickprefix: source.symbol, tickformat: "~s" },
    yaxis2: { ...axis, overlaying: "y", side: "right", showgrid: false, tickformat: "~s", tickmode: "auto", nticks: 6 },
  };
}

function draw() {
  const colours = {
    bar: token("--chart-bar"),
    second: token("--second"),
    muted: token("--text-muted"),
    text: token("--text"),
    grid: token("--border"),
    surface: token("--surface-raised"),
  };
  Plotly.react(place, traces(colours), layout(colours), { displayModeBar: false, responsive: true });
}

function fillTable() {
  const body = document.querySelector("#chart-table tbody");
  const digits = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const money = (value) => (value < 0 ? "-" : "") + source.symbol + digits.format(Math.abs(value));
  source.now.day.forEach((day, i) => {
    const row = body.insertRow();
    [day, money(source.now.revenue[i]), source.now.orders[i].toLocaleString("en")].forEach(
      (text, column) => {
        const cell = row.insertCell();
        cell.textContent = text;
        if (column) cell.className = "number";
      },
    );
  });
}

draw();
fillTable();
document.addEventListener("themechange", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
