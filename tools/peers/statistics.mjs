// Order statistics of measured times, and the difference between two results.

// The value below which a share of the sorted values lies, by linear interpolation.
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

export const median = (values) => quantile(values, 0.5);

// Largest difference as a share of the largest expected value; NaN anywhere is an infinite difference.
export function relativeDifference(actual, expected) {
  if (actual.length !== expected.length) return Infinity;
  let largest = 0;
  let worst = 0;
  for (let i = 0; i < expected.length; ++i) {
    largest = Math.max(largest, Math.abs(expected[i]));
    const difference = Math.abs(actual[i] - expected[i]);
    worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
  }
  return worst === 0 ? 0 : worst / largest;
}

// Share of the rows whose largest value is at the same place.
export function top1Agreement(actual, expected, rows) {
  const columns = expected.length / rows;
  const best = (values, row) => {
    let place = row * columns;
    for (let i = place; i < (row + 1) * columns; ++i) if (values[i] > values[place]) place = i;
    return place;
  };
  let same = 0;
  for (let row = 0; row < rows; ++row) same += best(actual, row) === best(expected, row) ? 1 : 0;
  return same / rows;
}
