// The ratios as an SVG picture: one bar per row, grouped by batch, threads and precision.

const kBar = 16;
const kGap = 4;
const kTitle = 34;
const kLeft = 370;
const kScale = 420;
const kRight = 190;
const kColours = { fp32: '#4477aa', 'fp32-vectors': '#66ccee', bf16: '#228833', int8: '#cc6677' };

const escape = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');

const text = (x, y, content, extra = '') => `<text x="${x}" y="${y}" ${extra}>${escape(content)}</text>`;

function groups(rows) {
  const found = new Map();
  for (const row of rows) {
    const threads = `${row.threads} thread${row.threads > 1 ? 's' : ''}`;
    const held = row.isa ? `, both held to ${row.isa}` : '';
    const title = `${row.precision}, batch ${row.batch}, ${threads}, against ${row.peer}${held}`;
    found.set(title, [...(found.get(title) ?? []), row]);
  }
  return [...found];
}

export function plot(rows, machine) {
  const most = Math.max(1.5, ...rows.map((row) => row.ratio)) * 1.05;
  const x = (ratio) => kLeft + (ratio / most) * kScale;
  const parts = [];
  let y = 28;
  parts.push(text(12, y, 'Times faster than the peer (medians of one interleaved run)', 'font-size="16"'));
  parts.push(text(12, y + 18, machine, 'fill="#666"'));
  y += 26;
  const top = y;
  for (const [title, members] of groups(rows)) {
    y += kTitle;
    parts.push(text(12, y - 8, title, 'font-weight="bold"'));
    for (const row of members) {
      const middle = y + kBar - kGap;
      parts.push(text(kLeft - 8, middle, row.model, 'text-anchor="end"'));
      parts.push(`<rect x="${kLeft}" y="${y}" width="${(x(row.ratio) - kLeft).toFixed(1)}" height="${kBar}" `
        + `fill="${kColours[row.precision]}"/>`);
      parts.push(text(x(row.ratio) + 6, middle,
        `${row.ratio.toFixed(2)}  (${row.ours_ms.toFixed(2)} / ${row.peer_ms.toFixed(2)} ms)`));
      y += kBar + kGap;
    }
  }
  const width = kLeft + kScale + kRight;
  parts.push(`<line x1="${x(1)}" y1="${top}" x2="${x(1)}" y2="${y}" stroke="#000" stroke-dasharray="3 3"/>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y + 16}" `
    + 'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#fff"/>\n'
    + `${parts.join('\n')}\n</svg>\n`;
}
