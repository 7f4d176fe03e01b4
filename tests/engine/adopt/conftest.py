"""Services of other people, as it were: their tests run in their containers, and not with ours."""

collect_ignore_glob = ["*/*"]
