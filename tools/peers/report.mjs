// The table on standard output.

const columns = [
  ['model', -40, (row) => row.model],
  ['precision', -9, (row) => row.precision],
  ['batch', 5, (row) => row.batch],
  ['threads', 7, (row) => row.threads],
  ['ours ms', 9, (row) => row.ours_ms.toFixed(3)],
  ['p90', 9, (row) => row.ours_p90_ms.toFixed(3)],
  ['peer ms', 9, (row) => row.peer_ms.toFixed(3)],
  ['p90', 9, (row) => row.peer_p90_ms.toFixed(3)],
  ['ratio', 6, (row) => row.ratio.toFixed(2)],
  ['(p10-p90)', 11, (row) => `${row.ratio_p10.toFixed(2)}-${row.ratio_p90.toFixed(2)}`],
  ['turns', 12, (row) => (row.calm ? `${row.rounds} of ${row.rounds + row.busy}` : row.rounds)],
  ['load ms', 13, (row) => `${row.ours_load_ms.toFixed(0)} / ${row.peer_load_ms.toFixed(0)}`],
  ['memory MB', 15, (row) => `${row.ours_memory_mb.toFixed(1)} / ${row.peer_memory_mb.toFixed(1)}`],
  ['max diff', 8, (row) => row.max_diff.toExponential(0)],
  ['top-1', 6, (row) => (row.top1 === undefined ? '-' : `${(100 * row.top1).toFixed(0)} %`)],
];

const pad = (text, width) => (width < 0 ? String(text).padEnd(-width) : String(text).padStart(width));

export const header = columns.map(([title, width]) => pad(title, width)).join('  ');

export const line = (row) => columns.map(([, width, value]) => pad(value(row), width)).join('  ');

// A case that a side refused.
export const refusedLine = (row, reason) =>
  `${columns.slice(0, 4).map(([, width, value]) => pad(value(row), width)).join('  ')}  n/a: ${reason}`;
