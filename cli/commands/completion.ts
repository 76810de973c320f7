import { Argument, Command } from "commander";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

/** A command by the words that lead to it, and the words that may follow. */
interface Place {
  readonly path: string;
  readonly words: readonly string[];
}

/** `stratolab completion bash|zsh|fish`: a script that lets the shell complete what there is. */
export function completionCommand(): Command {
  const command = new Command("completion");
  return command
    .description("Prints a script by which a shell completes commands and options.")
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .addHelpText("after", '\nAs in ~/.bashrc: eval "$(npx stratolab completion bash)"')
    .action((shell: Shell) => {
      const places = placesBelow(command.parent as Command, "");
      process.stdout.write({ bash, zsh, fish }[shell](places));
    });
}

function placesBelow(command: Command, path: string): Place[] {
  const { commands } = command;
  const options = command.createHelp().visibleOptions(command);
  const words = [...commands.map((each) => each.name()), ...options.flatMap(({ long }) => long ?? [])];
  const below = commands.flatMap((each) => placesBelow(each, path === "" ? each.name() : `${path} ${each.name()}`));
  return [{ path, words }, ...below];
}

/** Words that lead on from one command to one below it, for a `case`. */
const ways = (places: readonly Place[]) => places.flatMap(({ path }) => (path === "" ? [] : `"${path}"`)).join(" | ");

const bash = (places: readonly Place[]) => `_stratolab() {
  local word words="" at="" next
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next="\${at:+$at }$word"
    case "$next" in ${ways(places)}) at="$next" ;; esac
  done
  case "$at" in
${places.map(({ path, words }) => `    "${path}") words="${words.join(" ")}" ;;`).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _stratolab stratolab
`;

const zsh = (places: readonly Place[]) => `#compdef stratolab
_stratolab() {
  local word at="" next
  for word in "\${(@)words[2,CURRENT-1]}"; do
    next="\${at:+$at }$word"
    case "$next" in (${ways(places)}) at="$next" ;; esac
  done
  case "$at" in
${places.map(({ path, words }) => `    ("${path}") compadd -- ${words.join(" ")} ;;`).join("\n")}
  esac
  _files
}
compdef _stratolab stratolab
`;

const fish = (places: readonly Place[]) => `function __stratolab_at
  set -l at ""
  for word in (commandline -opc)[2..]
    set -l next (string trim "$at $word")
    if contains -- "$next" ${places.flatMap(({ path }) => (path === "" ? [] : `"${path}"`)).join(" ")}
      set at "$next"
    end
  end
  test "$at" = "$argv[1]"
end
${places.map(({ path, words }) => `complete -c stratolab -n '__stratolab_at "${path}"' -a '${words.join(" ")}'`).join("\n")}
`;
