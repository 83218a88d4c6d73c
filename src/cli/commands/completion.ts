/** `hako completion SHELL`: the script that teaches a shell to complete hako's command lines. It asks `hako __complete`. */
import { CommandError, defineCommand } from '../command.ts';

const bash = `# bash completion for hako: source <(hako completion bash)
_hako() {
  local line files=
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = ':files' ]; then files=1; else COMPREPLY+=("\${line%%$'\\t'*}"); fi
  done < <(hako __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [ -n "$files" ]; then
    compopt -o filenames
    COMPREPLY+=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
  fi
}
complete -F _hako hako
`;

const zsh = `#compdef hako
# zsh completion for hako: source <(hako completion zsh)
_hako() {
  local -a found
  local line files=
  while IFS= read -r line; do
    if [[ $line == ':files' ]]; then files=1; continue; fi
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <(hako __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#found} )) && _describe 'hako' found
  [[ -n $files ]] && _files
}
compdef _hako hako
`;

const fish = `# fish completion for hako: hako completion fish | source
function __hako_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    for line in (hako __complete -- $words[2..] "$typed" 2>/dev/null)
        if test "$line" = ':files'
            __fish_complete_path "$typed"
        else
            echo $line
        end
    end
end
complete -c hako -f -a '(__hako_complete)'
`;

const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };

export const command = defineCommand({
  usage: ['bash|zsh|fish'],
  description: "Load it with `source <(hako completion bash)`, or the like, from the shell's own start-up file.",
  count: [1, 1],
  completes: [Object.keys(scripts)],
  flags: {},
  async run({ args: [shell = ''] }) {
    const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
    if (!script) throw new CommandError(`there is no completion for the shell '${shell}', only for ${Object.keys(scripts).join(', ')}`);
    process.stdout.write(script);
  },
});
