/** Two-space JSON with a final newline, as kubectl prints it. */
export function renderJson(data: unknown): string {
  return `${JSON.stringify(data, undefined, 2)}\n`;
}
