/** From the YAML of one corpus file to cases. */
import type { Labels } from '../objects/model.ts';
import type { Case, Change, PodBody, PolicyBody, Refusal, Stack, Step } from './case.ts';
import { stacks } from './case.ts';
import { parseExpectation } from './expectation.ts';
import { Fields, invalid } from './fields.ts';
import type { Models } from './models.ts';
import { parsePort, parseProbePort } from './port.ts';

/** `file` is for messages. Throws BulkheadError CONFORMANCE_CASE_INVALID. */
export function decodeCases(document: unknown, file: string, models: Models): readonly Case[] {
  const fields = new Fields(document, file);
  const family = fields.text('family');
  const cases = fields.list('cases').map((item) => decodeCase(item, { file, family, models }));
  fields.end();
  return cases;
}

interface Surroundings {
  readonly file: string;
  readonly family: string;
  readonly models: Models;
}

function decodeCase(item: unknown, { file, family, models }: Surroundings): Case {
  const id = new Fields(item, file).text('id');
  const fields = new Fields(item, `${file}: ${id}`);
  fields.text('id');
  const modelName = fields.optionalText('model');
  const model = modelName === undefined ? undefined : models.models.get(modelName);
  if (modelName !== undefined && !model) throw invalid(fields.place, `models.yaml has no model ${modelName}`);
  const pods = fields.has('pods') ? fields.texts('pods') : (model?.pods ?? []);
  const ports = fields.has('ports')
    ? fields.texts('ports').map((text) => parsePort(text, fields.place))
    : (model?.ports ?? []);
  const probe = fields.has('probe')
    ? fields.texts('probe').map((text) => parseProbePort(text, fields.place))
    : ports.map(({ protocol, port }) => ({ protocol, port }));
  const upstream = fields.optionalText('upstream');
  const decoded: Case = {
    id,
    family,
    title: fields.text('title'),
    ...(upstream === undefined ? {} : { upstream }),
    refs: fields.texts('refs'),
    pods,
    ports,
    probe,
    points: fields.texts('points'),
    stacks: fields.has('stacks')
      ? fields.texts('stacks').map((text) => stackOf(text, fields.place))
      : allStacks,
    loopback: fields.flag('loopback'),
    dns: fields.flag('dns'),
    steps: fields.list('steps').map((step, index) => decodeStep(step, `${fields.place}: step ${index + 1}`)),
  };
  fields.end();
  if (decoded.steps.length === 0) throw invalid(fields.place, 'has no steps');
  return decoded;
}

const allStacks = Object.keys(stacks) as readonly Stack[];

function stackOf(text: string, place: string): Stack {
  const known = allStacks.find((stack) => stack === text);
  if (!known) throw invalid(place, `${text} is none of ${allStacks.join(', ')}`);
  return known;
}

function decodeStep(item: unknown, place: string): Step {
  const fields = new Fields(item, place);
  const note = fields.optionalText('note');
  const step = {
    ...(note === undefined ? {} : { note }),
    changes: fields.list('change').map((change) => decodeChange(change, place)),
    refused: fields.list('refused').map((refusal) => decodeRefusal(refusal, place)),
    expect: fields.texts('expect').map((line) => parseExpectation(line, place)),
  };
  fields.end();
  return step;
}

function decodeRefusal(item: unknown, place: string): Refusal {
  const fields = new Fields(item, place);
  const refusal = { change: decodeChange(fields.raw('change'), place), because: fields.text('because') };
  fields.end();
  return refusal;
}

/** `create policy x/deny: {…}`: one key that says what is done, and to what. */
function decodeChange(item: unknown, place: string): Change {
  const fields = new Fields(item, place);
  const [key = '', ...others] = fields.rest();
  const [verb, kind, name, ...more] = key.split(' ');
  if (others.length > 0 || name === undefined || more.length > 0)
    throw invalid(place, 'a change is one key, such as `create policy x/deny`, and its value');
  const at = `${place}: ${key}`;
  switch (`${verb} ${kind}`) {
    case 'create policy':
    case 'update policy':
      return { verb: changeVerb(verb), kind: 'policy', name, body: decodePolicy(fields.mapping(key)) };
    case 'create pod':
    case 'update pod':
      return { verb: changeVerb(verb), kind: 'pod', name, body: decodePod(fields.mapping(key)) };
    case 'create namespace':
      return { verb: 'create', kind: 'namespace', name, labels: labelsOf(fields.mapping(key)) };
    case 'label pod':
    case 'label namespace':
      return {
        verb: 'label',
        kind: kind === 'pod' ? 'pod' : 'namespace',
        name,
        labels: labelChangesOf(fields.mapping(key)),
      };
    case 'delete policy':
    case 'delete pod':
    case 'delete namespace':
      if (fields.raw(key) !== null) throw invalid(at, 'takes no value');
      return { verb: 'delete', kind: kind === 'policy' || kind === 'pod' ? kind : 'namespace', name };
    default:
      throw invalid(at, 'nobody knows how to do that');
  }
}

function changeVerb(verb: string | undefined): 'create' | 'update' {
  return verb === 'update' ? 'update' : 'create';
}

function decodePolicy(fields: Fields): PolicyBody {
  const apiVersion = fields.optionalText('apiVersion') ?? 'networking.k8s.io/v1';
  const metadata = fields.has('metadata') ? valuesOf(fields.mapping('metadata')) : {};
  return { apiVersion, metadata, spec: valuesOf(fields) };
}

/** What nobody has read yet, as it stands. */
function valuesOf(fields: Fields): Readonly<Record<string, unknown>> {
  return Object.fromEntries(fields.rest().map((key) => [key, fields.raw(key)]));
}

function decodePod(fields: Fields): PodBody {
  const node = fields.optionalText('node');
  const phase = fields.optionalText('phase');
  const body: PodBody = {
    ...(node === undefined ? {} : { node }),
    ...(fields.has('host') ? { host: fields.integer('host') } : {}),
    ...(fields.has('labels') ? { labels: labelsOf(fields.mapping('labels')) } : {}),
    ...(fields.has('ports')
      ? { ports: fields.texts('ports').map((text) => parsePort(text, fields.place)) }
      : {}),
    ...(fields.has('hostNetwork') ? { hostNetwork: fields.flag('hostNetwork') } : {}),
    ...(phase === undefined ? {} : { phase }),
  };
  fields.end();
  return body;
}

export function labelsOf(fields: Fields): Labels {
  return Object.fromEntries(fields.rest().map((key) => [key, fields.text(key)]));
}

function labelChangesOf(fields: Fields): Readonly<Record<string, string | null>> {
  return Object.fromEntries(
    fields.rest().map((key) => {
      const value = fields.raw(key);
      if (value !== null && typeof value !== 'string')
        throw invalid(fields.place, `${key} must be text or null`);
      return [key, value];
    }),
  );
}
