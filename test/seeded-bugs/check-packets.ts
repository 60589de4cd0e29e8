/** Prints the names of the packets that the nftables rules judge otherwise than they should, as JSON. */
import { isDeepStrictEqual } from 'node:util';
import { expectedOf, guardJudge, nftablesCases } from '../datapath/nftables/guard-judge.ts';

const judge = guardJudge();
const wrong = nftablesCases.filter((guard) => !isDeepStrictEqual(judge(guard), expectedOf(guard)));
console.log(JSON.stringify(wrong.map(({ name }) => name)));
