_ddd_complete() {
  local -a found
  found=(${(f)"$(${words[1]} --complete -- "${(@)words[1,CURRENT]}" 2>/dev/null)"})
  compadd -a found || _files
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
compdef _ddd_complete ddd inv invoke
