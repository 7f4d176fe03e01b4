# Completion of ddd and inv for bash: eval "$(ddd completion bash)" in ~/.bashrc

_ddd_complete() {
  local word
  COMPREPLY=()
  # Not compgen -W, which runs a $(command) in a word: the words are names out of anybody's Compose file.
  while IFS= read -r word; do
    [[ -n $word && $word == "$2"* ]] && COMPREPLY+=("$word")
  done < <("$1" --complete -- "${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)
  return 0
}
# Where there is nothing to offer, files are.
complete -o default -F _ddd_complete ddd inv invoke
