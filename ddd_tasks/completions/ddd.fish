# Completion of ddd and inv for fish: ddd completion fish > ~/.config/fish/conf.d/ddd.fish

function __ddd_complete
    set -l last (commandline --cut-at-cursor --current-token)
    set -l words (commandline --tokenize --cut-at-cursor --current-process) $last
    set -l found ($words[1] --complete -- $words 2>/dev/null)
    # Where there is nothing to offer, files are.
    if set --query found[1]
        printf '%s\n' $found
    else
        __fish_complete_path $last
    end
end
for name in ddd inv invoke
    complete --command $name --no-files --arguments '(__ddd_complete)'
end
