// The center lines of strokes: thinning by Zhang and Suen (Communications of the ACM, 1984), on a finer grid.

const FINE = 4; // rows and columns of the finer grid per pixel
const INK = 128;

// Points [x, y] along the center lines of a drawing, in pixels.
export function centerLines(ink, width, height) {
  const grid = refine(ink, width, height), columns = FINE * width;
  thin(grid, columns);
  const points = [];
  grid.forEach((value, cell) => value && points.push([((cell % columns) + 0.5) / FINE, (Math.floor(cell / columns) + 0.5) / FINE]));
  return points;
}

// Ink from 128 on, as 0 or 1 on the finer grid, interpolated between the centers of pixels. The border is paper.
function refine(ink, width, height) {
  const at = (row, column) => (row < 0 || column < 0 || row >= height || column >= width ? 0 : ink[row * width + column]);
  const columns = FINE * width, rows = FINE * height, grid = new Uint8Array(rows * columns);
  for (let cell = 0; cell < grid.length; cell++) {
    const row = Math.floor(cell / columns), column = cell % columns;
    if (!row || !column || row === rows - 1 || column === columns - 1) continue;
    const y = (row + 0.5) / FINE - 0.5, x = (column + 0.5) / FINE - 0.5, top = Math.floor(y), left = Math.floor(x);
    const blend = (line) => at(line, left) + (x - left) * (at(line, left + 1) - at(line, left));
    grid[cell] = Number(blend(top) + (y - top) * (blend(top + 1) - blend(top)) >= INK);
  }
  return grid;
}

// Removes cells from the edges of strokes until lines of one cell are left. grid: 0 or 1 a cell, with a border of 0.
function thin(grid, columns) {
  const around = [-columns, 1 - columns, 1, columns + 1, columns, columns - 1, -1, -columns - 1]; // clockwise from above
  const removable = (cell, first) => {
    const ring = around.map((offset) => grid[cell + offset]), count = ring.reduce((total, value) => total + value, 0);
    const begins = ring.filter((value, index) => !value && ring[(index + 1) % 8]).length;
    const [up, , right, , down, , left] = ring;
    const edges = first ? !(up && right && down) && !(right && down && left) : !(up && right && left) && !(up && down && left);
    return count >= 2 && count <= 6 && begins === 1 && edges;
  };
  for (let removed = 1; removed;) {
    removed = 0;
    for (const first of [true, false]) {
      const cells = [];
      grid.forEach((value, cell) => value && removable(cell, first) && cells.push(cell));
      for (const cell of cells) grid[cell] = 0;
      removed += cells.length;
    }
  }
}
