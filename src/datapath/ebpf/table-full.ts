/** There is no place left for a row, or none where a reader would look for it. */
export class TableFull extends Error {
  override readonly name = 'TableFull';
}
