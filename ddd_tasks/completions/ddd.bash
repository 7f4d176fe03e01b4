# Completion of ddd and inv for bash: eval "$(ddd completion bash)" in ~/.bashrc

_ddd_complete() {
  local IFS=$'\n' found
  found=$("$1" --complete -- "${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)
  # shellcheck disable=SC2207 # mapfile is not in the bash of macOS
  COMPREPLY=($(compgen -W "$found" -- "$2"))
}
# Where there is nothing to offer, files are.
complete -o default -F _ddd_complete ddd inv invoke
