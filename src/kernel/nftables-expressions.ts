/**
 * The instructions of nf_tables' virtual machine that we use, and their netlink form. A rule is a list of them; the
 * first that does not match (a comparison, a lookup without result, a header that the packet is too short for) ends
 * the rule, and the next one follows. Values pass between them in registers, of which a rule sees only its own writes.
 *
 * nft's own language has no way to use the result of one lookup as part of the key of the next; the kernel does.
 */
import type { AttributeWriter } from './netlink-attributes.ts';

/** 0…15: sixteen words of four bytes. A longer value takes several, in order. */
export type Register = number;

export type Verdict = 'accept' | 'drop' | 'return' | { readonly goto: string } | { readonly jump: string };

export type Expression =
  | {
      readonly kind: 'payload';
      readonly base: 'network' | 'transport';
      readonly offset: number;
      readonly length: number;
      readonly to: Register;
    }
  /** iif, oif: interface index, 4 bytes in host order. iifname, oifname: 16 bytes, zeros at the end. The others: one byte. */
  | { readonly kind: 'meta'; readonly key: keyof typeof metaKeys; readonly to: Register }
  /** state, status: bits of 4 bytes in host order. direction: one byte. */
  | { readonly kind: 'conntrack'; readonly key: keyof typeof conntrackKeys; readonly to: Register }
  /** One byte: 1 if the way back to the packet's source leaves by the interface where it came in, else 0. */
  | { readonly kind: 'reverse-path'; readonly to: Register }
  | {
      readonly kind: 'compare';
      readonly operator: keyof typeof compareOperators;
      readonly register: Register;
      readonly value: Uint8Array;
    }
  | { readonly kind: 'mask'; readonly from: Register; readonly to: Register; readonly mask: Uint8Array }
  /** Without `to`: whether the set has the key. With it: the value; 'verdict' obeys it. */
  | {
      readonly kind: 'lookup';
      readonly set: string;
      readonly key: Register;
      readonly to?: Register | 'verdict';
      readonly inverted?: boolean;
    }
  | { readonly kind: 'count'; readonly counter: string }
  /** Raises the counter that the map names for the key. */
  | { readonly kind: 'count-by'; readonly map: string; readonly key: Register }
  | { readonly kind: 'log'; readonly group: number; readonly prefix: string; readonly snapLength: number }
  | { readonly kind: 'verdict'; readonly verdict: Verdict };

const metaKeys = { iif: 4, oif: 5, iifname: 6, oifname: 7, nfproto: 15, l4proto: 16 } as const;
const conntrackKeys = { state: 0, direction: 1, status: 2 } as const;
const payloadBases = { network: 1, transport: 2 } as const;
const compareOperators = { '==': 0, '!=': 1, '<': 2, '<=': 3, '>': 4, '>=': 5 } as const;
const verdictCodes = { drop: 0, accept: 1, jump: -3, goto: -4, return: -5 } as const;

const NFTA_LIST_ELEM = 1;
const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;
const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;
const NFT_REG_VERDICT = 0;
const NFT_REG32_00 = 8;
const NFT_OBJECT_COUNTER = 1;
const NFT_FIB_RESULT_OIF = 1;
/** NFTA_FIB_F_SADDR, _IIF, _PRESENT */
const fibFlags = 0x1 | 0x8 | 0x20;

export function writeExpressions(out: AttributeWriter, expressions: readonly Expression[]): void {
  for (const expression of expressions) {
    const { name, write } = wireForm(out, expression);
    out.nested(NFTA_LIST_ELEM, () => {
      out.text(NFTA_EXPR_NAME, name);
      out.nested(NFTA_EXPR_DATA, write);
    });
  }
}

export function writeValue(out: AttributeWriter, type: number, value: Uint8Array): void {
  out.nested(type, () => out.data(NFTA_DATA_VALUE, value));
}

export function writeVerdict(out: AttributeWriter, type: number, verdict: Verdict): void {
  const [code, chain] =
    typeof verdict === 'string'
      ? [verdict, undefined]
      : 'goto' in verdict
        ? (['goto', verdict.goto] as const)
        : (['jump', verdict.jump] as const);
  out.nested(type, () => {
    out.nested(NFTA_DATA_VERDICT, () => {
      out.u32(1, verdictCodes[code] >>> 0);
      if (chain !== undefined) out.text(2, chain);
    });
  });
}

interface WireForm {
  readonly name: string;
  readonly write: () => void;
}

/** Attribute numbers are those of enum nft_…_attributes in linux/netfilter/nf_tables.h. */
function wireForm(out: AttributeWriter, expression: Expression): WireForm {
  const register = (type: number, number: Register): void => {
    out.u32(type, NFT_REG32_00 + number);
  };
  switch (expression.kind) {
    case 'payload':
      return form('payload', () => {
        register(1, expression.to);
        out.u32(2, payloadBases[expression.base]);
        out.u32(3, expression.offset);
        out.u32(4, expression.length);
      });
    case 'meta':
      return form('meta', () => {
        register(1, expression.to);
        out.u32(2, metaKeys[expression.key]);
      });
    case 'conntrack':
      return form('ct', () => {
        register(1, expression.to);
        out.u32(2, conntrackKeys[expression.key]);
      });
    case 'reverse-path':
      return form('fib', () => {
        register(1, expression.to);
        out.u32(2, NFT_FIB_RESULT_OIF);
        out.u32(3, fibFlags);
      });
    case 'compare':
      return form('cmp', () => {
        register(1, expression.register);
        out.u32(2, compareOperators[expression.operator]);
        writeValue(out, 3, expression.value);
      });
    case 'mask':
      return form('bitwise', () => {
        register(1, expression.from);
        register(2, expression.to);
        out.u32(3, expression.mask.length);
        writeValue(out, 4, expression.mask);
        writeValue(out, 5, new Uint8Array(expression.mask.length));
      });
    case 'lookup':
      return form('lookup', () => {
        out.text(1, expression.set);
        register(2, expression.key);
        if (expression.to === 'verdict') out.u32(3, NFT_REG_VERDICT);
        else if (expression.to !== undefined) register(3, expression.to);
        if (expression.inverted) out.u32(5, 1);
      });
    case 'count':
      return form('objref', () => {
        out.u32(1, NFT_OBJECT_COUNTER);
        out.text(2, expression.counter);
      });
    case 'count-by':
      return form('objref', () => {
        register(3, expression.key);
        out.text(4, expression.map);
      });
    case 'log':
      return form('log', () => {
        out.u16(1, expression.group);
        out.text(2, expression.prefix);
        out.u32(3, expression.snapLength);
        // Each packet at once: what waits in a queue can't be put in order with what else happens.
        out.u16(4, 1);
      });
    case 'verdict':
      return form('immediate', () => {
        out.u32(1, NFT_REG_VERDICT);
        writeVerdict(out, 2, expression.verdict);
      });
  }
}

function form(name: string, write: () => void): WireForm {
  return { name, write };
}
