/** Statistics of repeated measurements: medians, and means with confidence intervals. */

/** A mean over repetitions. */
export interface Estimate {
  readonly mean: number;
  /** Half the width of the 95% confidence interval; null for a single repetition. */
  readonly margin: number | null;
  /** Number of repetitions. */
  readonly count: number;
}

/** @throws RangeError if there are no values. */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('cannot compute the mean of no values');
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The middle value, or the mean of the two middle values. @throws RangeError if there are no values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined)
    throw new RangeError('cannot compute the median of no values');
  return (lower + upper) / 2;
}

/**
 * Mean with its 95% confidence interval (Student's t), for independent, approximately normal repetitions.
 * @throws RangeError if there are no values.
 */
export function estimate(values: readonly number[]): Estimate {
  const center = mean(values);
  const count = values.length;
  if (count === 1) return { mean: center, margin: null, count };
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  const deviation = Math.sqrt(squares / (count - 1));
  return { mean: center, margin: (studentT(count - 1) * deviation) / Math.sqrt(count), count };
}

/**
 * The t for which a value of Student's distribution is within ±t with probability `confidence`.
 * @param freedom degrees of freedom, a whole number of at least 1.
 */
export function studentT(freedom: number, confidence = 0.95): number {
  let low = 0;
  let high = 1;
  while (withinT(high, freedom) < confidence) high *= 2;
  while (high - low > 1e-9 * high) {
    const middle = (low + high) / 2;
    if (withinT(middle, freedom) < confidence) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * Probability of |T| <= t, by the finite sums for integer degrees of freedom (Abramowitz and Stegun,
 * 26.7.3-4).
 */
function withinT(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const cosSquared = Math.cos(angle) ** 2;
  const odd = freedom % 2 === 1;
  let term = odd ? Math.cos(angle) : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let k = odd ? 2 : 1; k <= freedom - 3; k += 2) {
    term *= (cosSquared * k) / (k + 1);
    sum += term;
  }
  return odd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
}
