# Completion of ddd and inv for fish: ddd completion fish > ~/.config/fish/conf.d/ddd.fish

function __ddd_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process) (commandline --cut-at-cursor --current-token)
    $words[1] --complete -- $words 2>/dev/null
end
for name in ddd inv invoke
    complete --command $name --no-files --arguments '(__ddd_complete)'
end
