/** What was read, wherever it stood. */
export function withoutPlaces(value: unknown): unknown {
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [key, withoutPlaces(one)]));
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([key]) => key !== 'position');
  return Object.fromEntries(fields.map(([key, one]) => [key, withoutPlaces(one)]));
}
