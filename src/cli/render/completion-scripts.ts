/** Completion scripts for shells, made from the command tree; they run no bulkhead process while completing. */
import { walkCommands, type CommandNode } from '../command-tree.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

export function completionScript(shell: Shell, root: CommandNode): string {
  return scripts[shell]([...walkCommands(root)]);
}

const scripts: Readonly<Record<Shell, (nodes: readonly CommandNode[]) => string>> = {
  bash: bashScript,
  zsh: (nodes) => `#compdef bulkhead\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(nodes)}`,
  fish: fishScript,
};

/** The path is found again from the words typed so far; then a table says what can follow. */
function bashScript(nodes: readonly CommandNode[]): string {
  const paths = nodes.map(({ path }) => `'${path.join(' ')}'`).join('|');
  const values = nodes.flatMap((node) =>
    node.options
      .filter(({ choices }) => choices.length > 0)
      .map(({ short, long, choices }) => {
        const patterns = [long, ...(short ? [short] : [])].map((flag) => `'${node.path.join(' ')}:${flag}'`);
        return `    ${patterns.join('|')}) COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$word")); return ;;`;
      }),
  );
  const words = nodes.map((node) => {
    const flags = node.options.flatMap(({ short, long }) => (short ? [short, long] : [long]));
    const follow = [
      ...node.commands.map(({ path }) => path.at(-1)),
      ...node.arguments.flatMap(({ choices }) => choices),
    ];
    const files = node.arguments.some(({ isPath }) => isPath) ? ' files=1' : '';
    return `    '${node.path.join(' ')}') flags='${flags.join(' ')}' words='${follow.join(' ')}'${files} ;;`;
  });
  return `_bulkhead() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" path='' next flags='' words='' files='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${path:+$path }\${COMP_WORDS[i]}"
    case "$next" in ${paths}) path="$next" ;; esac
  done
  case "$path:$before" in
${values.join('\n')}
  esac
  case "$path" in
${words.join('\n')}
  esac
  if [[ $word == -* ]]; then words=$flags files=''; fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  if [[ $files ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY+=($(compgen -f -- "$word"))
  fi
}
complete -F _bulkhead bulkhead
`;
}

function fishScript(nodes: readonly CommandNode[]): string {
  const lines = nodes.flatMap((node) => {
    const takesFiles = node.arguments.some(({ isPath }) => isPath);
    const at = `-n '__bulkhead_at ${node.path.join(' ')}'${takesFiles ? '' : ' -f'}`;
    return [
      ...node.commands.map(
        ({ path, summary }) => `complete -c bulkhead ${at} -a ${path.at(-1)} -d ${quote(summary)}`,
      ),
      ...node.arguments
        .filter(({ choices }) => choices.length > 0)
        .map(({ choices }) => `complete -c bulkhead ${at} -a ${quote(choices.join(' '))}`),
      ...node.options.map(({ short, long, description, takesValue, choices }) => {
        const names = `${short ? `-s ${short.slice(1)} ` : ''}-l ${long.slice(2)}`;
        const value = takesValue ? (choices.length > 0 ? ` -x -a ${quote(choices.join(' '))}` : ' -r') : '';
        return `complete -c bulkhead ${at} ${names}${value} -d ${quote(description)}`;
      }),
    ];
  });
  const paths = nodes.map(({ path }) => quote(path.join(' '))).join(' ');
  return `function __bulkhead_at
  set -l path
  for word in (commandline -opc)[2..]
    set -l next (string join ' ' $path $word)
    if contains -- $next ${paths}
      set -a path $word
    end
  end
  test (string join ' ' $path) = (string join ' ' $argv)
end
${lines.join('\n')}
`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
