/**
 * Syntax of names, labels and ports, with the API server's own messages.
 * Upstream: k8s.io/apimachinery/pkg/util/validation/validation.go. Each function returns what is wrong, if anything.
 */

const dns1123Label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const dns1123Subdomain = `${dns1123Label}(\\.${dns1123Label})*`;
const dns1035Label = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualifiedName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValue = `(${qualifiedName})?`;

const patterns = {
  dns1123Label: new RegExp(`^${dns1123Label}$`),
  dns1123Subdomain: new RegExp(`^${dns1123Subdomain}$`),
  dns1035Label: new RegExp(`^${dns1035Label}$`),
  qualifiedName: new RegExp(`^${qualifiedName}$`),
  labelValue: new RegExp(`^${labelValue}$`),
};

/** Names of namespaces and label-like names. */
export function checkDns1123Label(text: string): string[] {
  return [
    ...tooLong(text, 63),
    ...mismatch(text, patterns.dns1123Label, () =>
      regexError(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
        dns1123Label,
        ['my-name', '123-abc'],
      ),
    ),
  ];
}

/** Names of most objects. */
export function checkDns1123Subdomain(text: string): string[] {
  return [
    ...tooLong(text, 253),
    ...mismatch(text, patterns.dns1123Subdomain, () =>
      regexError(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        dns1123Subdomain,
        ['example.com'],
      ),
    ),
  ];
}

/** Names of Services. */
export function checkDns1035Label(text: string): string[] {
  return [
    ...tooLong(text, 63),
    ...mismatch(text, patterns.dns1035Label, () =>
      regexError(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        dns1035Label,
        ['my-name', 'abc-123'],
      ),
    ),
  ];
}

export function checkLabelKey(text: string): string[] {
  const parts = text.split('/');
  const name = parts.at(-1) ?? '';
  const syntax = (): string =>
    regexError(
      "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
      qualifiedName,
      ['MyName', 'my.name', '123-abc'],
    );
  if (parts.length > 2) {
    return [
      `a qualified name ${syntax()} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const prefix = parts.length === 2 ? parts[0] : undefined;
  return [
    ...(prefix === '' ? ['prefix part must be non-empty'] : []),
    ...(prefix ? checkDns1123Subdomain(prefix).map((problem) => `prefix part ${problem}`) : []),
    ...(name === '' ? ['name part must be non-empty'] : []),
    ...tooLong(name, 63).map((problem) => `name part ${problem}`),
    ...mismatch(name, patterns.qualifiedName, () => `name part ${syntax()}`),
  ];
}

export function checkLabelValue(text: string): string[] {
  return [
    ...tooLong(text, 63),
    ...mismatch(text, patterns.labelValue, () =>
      regexError(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        labelValue,
        ['MyValue', 'my_value', '12345'],
      ),
    ),
  ];
}

export function checkPortNumber(port: number): string[] {
  return port >= 1 && port <= 65535 ? [] : ['must be between 1 and 65535, inclusive'];
}

export function checkPortName(name: string): string[] {
  return [
    ...tooLong(name, 15),
    ...(/^[-a-z0-9]+$/.test(name)
      ? []
      : ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']),
    ...(/[a-z]/.test(name) ? [] : ['must contain at least one letter (a-z)']),
    ...(name.includes('--') ? ['must not contain consecutive hyphens'] : []),
    ...(/^-|-$/.test(name) ? ['must not begin or end with a hyphen'] : []),
  ];
}

function mismatch(text: string, pattern: RegExp, message: () => string): string[] {
  return pattern.test(text) ? [] : [message()];
}

function tooLong(text: string, max: number): string[] {
  return Buffer.byteLength(text) > max ? [`must be no more than ${max} bytes`] : [];
}

/** Two spaces before `or` are upstream's. */
function regexError(message: string, pattern: string, examples: readonly string[]): string {
  const quoted = examples.map((example) => `'${example}', `).join(' or ');
  return `${message} (e.g. ${quoted}regex used for validation is '${pattern}')`;
}
