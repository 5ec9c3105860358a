// The learning curve on a canvas: nats of held-out and of training digits over the time, on a logarithmic scale.
const MARGIN = { left: 44, right: 10, top: 28, bottom: 26 };
const TICKS = [60, 80, 120, 200, 300, 500];
const COLORS = { valid: "#d9480f", train: "#1c7ed6", shipped: "#2b8a3e", untrained: "#868e96" };

// Where values are on a canvas of width x height. points: [step, train, valid, seconds]; references: nats of other networks.
export function chartScale(points, references, width, height) {
  const values = [...points.flatMap(([, train, valid]) => [train, valid]), ...references];
  const low = Math.log(0.95 * Math.min(...values)), high = Math.log(1.05 * Math.max(...values));
  const last = Math.max(10, ...points.map(([, , , seconds]) => seconds));
  return {
    x: (seconds) => MARGIN.left + (seconds / last) * (width - MARGIN.left - MARGIN.right),
    y: (nats) => MARGIN.top + ((high - Math.log(nats)) / (high - low)) * (height - MARGIN.top - MARGIN.bottom),
    ticks: TICKS.filter((tick) => Math.log(tick) > low && Math.log(tick) < high),
    last,
  };
}

// chosen: the index of the point that is marked. shipped: nats of the trained network, or null.
export function drawChart(canvas, points, { shipped, chosen, i18n }) {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  Object.assign(canvas, { width: width * ratio, height: height * ratio });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  if (!points.length || !width) return;
  const untrained = points[0][2], references = [untrained, ...(shipped ? [shipped] : [])];
  const scale = chartScale(points, references, width, height);
  drawAxes(context, scale, { width, height, color: getComputedStyle(canvas).color, i18n });
  drawReference(context, scale.y(untrained), width, COLORS.untrained);
  if (shipped) drawReference(context, scale.y(shipped), width, COLORS.shipped);
  for (const [color, column] of [[COLORS.train, 1], [COLORS.valid, 2]]) {
    context.strokeStyle = color;
    context.lineWidth = 2;
    context.beginPath();
    for (const point of points) context.lineTo(scale.x(point[3]), scale.y(point[column]));
    context.stroke();
  }
  const [, , nats, seconds] = points[chosen];
  context.fillStyle = COLORS.valid;
  context.beginPath();
  context.arc(scale.x(seconds), scale.y(nats), 5, 0, 2 * Math.PI);
  context.fill();
}

function drawAxes(context, { y, ticks, last }, { width, height, color, i18n }) {
  Object.assign(context, { fillStyle: color, strokeStyle: color, font: "12px sans-serif", textBaseline: "middle" });
  context.globalAlpha = 0.8;
  for (const tick of ticks) context.fillText(String(tick), 8, y(tick));
  context.fillText(i18n.t("learn.axis_nats"), 8, MARGIN.top / 2);
  context.fillText("0", MARGIN.left, height - MARGIN.bottom / 2);
  context.textAlign = "right";
  context.fillText(i18n.t("learn.axis_time", { seconds: Math.round(last) }), width - MARGIN.right, height - MARGIN.bottom / 2);
  Object.assign(context, { textAlign: "left", globalAlpha: 1 });
}

function drawReference(context, y, width, color) {
  context.strokeStyle = color;
  context.lineWidth = 1.5;
  context.setLineDash([6, 4]);
  context.beginPath();
  context.moveTo(MARGIN.left, y);
  context.lineTo(width - MARGIN.right, y);
  context.stroke();
  context.setLineDash([]);
}
