/** Of the middle of sorted numbers; NaN of none. */
export function median(numbers: readonly number[]): number {
  return quantile(numbers, 0.5)
}

/** Linear between the two nearest. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)] ?? NaN
  const above = sorted[Math.ceil(place)] ?? NaN
  return below + (above - below) * (place - Math.floor(place))
}
