/** What comes from files and names must not steer the terminal: control characters, except tab and newline, become a dot. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\t\n]|\ufffd/gu, '·');
}
