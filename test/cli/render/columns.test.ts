import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { renderColumns } from '../../../src/cli/render/columns.ts';
import { displayWidth, padEnd, padStart, truncate } from '../../../src/cli/render/display-width.ts';
import { paint, plainTerminal } from '../../../src/cli/render/terminal.ts';

const colours = { colour: true, columns: 80 };

describe('displayWidth', () => {
  it.each([
    ['', 0],
    ['cart', 4],
    ['négoce', 6],
    ['ne\u0301goce', 6],
    ['購物', 4],
    ['🚢', 2],
    [paint(colours, 'red', 'cart'), 4],
  ])('%j takes %i columns', (text, width) => expect(displayWidth(text)).toBe(width));
});

describe('truncate', () => {
  it.each([
    ['short', 10, 'short'],
    ['exactly-10', 10, 'exactly-10'],
    ['one too much', 11, 'one too mu…'],
    ['購物車購物車', 6, '購物…'],
  ])('%j into %i', (text, width, expected) => {
    expect(truncate(text, width)).toBe(expected);
    expect(displayWidth(truncate(text, width))).toBeLessThanOrEqual(width);
  });

  it('closes the colours that it cuts through', () => {
    const cut = truncate(paint(colours, 'red', 'a long text in red'), 8);
    expect(stripVTControlCharacters(cut)).toBe('a long …');
    expect(cut.endsWith('\u001b[39m')).toBe(true);
  });
});

describe('renderColumns', () => {
  const columns = [
    { header: 'NAME', cell: ({ name }: Row) => name },
    { header: 'PODS', cell: ({ pods }: Row) => String(pods), align: 'right' as const },
    { header: 'NOTE', cell: ({ note }: Row) => note },
  ];
  interface Row {
    readonly name: string;
    readonly pods: number;
    readonly note: string;
  }

  it('lines up, also with wide and coloured cells, and leaves no blanks at the end', () => {
    const rows = [
      { name: 'cart', pods: 2, note: '' },
      { name: '購物車', pods: 12, note: 'wide' },
      { name: paint(colours, 'red', 'redis-cart'), pods: 1, note: 'red' },
    ];
    expect(stripVTControlCharacters(renderColumns(columns, rows, plainTerminal))).toBe(
      [
        'NAME         PODS   NOTE',
        'cart            2',
        '購物車         12   wide',
        'redis-cart      1   red',
        '',
      ].join('\n'),
    );
  });

  it('prints nothing for no rows', () => expect(renderColumns(columns, [], plainTerminal)).toBe(''));

  it('pads on the side that is asked for', () => {
    expect(padEnd('a', 3)).toBe('a  ');
    expect(padStart('a', 3)).toBe('  a');
    expect(padEnd('abcd', 3)).toBe('abcd');
  });
});
