# In development a program of a package serves, such as `next dev` or `nest start --watch`: DEV_APP is its command line.

# dev serves the code and reloads it as the program does.
FROM source AS dev
EXPOSE $PORT
CMD ["sh", "-c", "exec ${DEV_APP:-$APP}"]

# debug serves the code like dev, with the inspector on port 9229.
FROM source AS debug
EXPOSE $PORT 9229
CMD ["sh", "-c", "NODE_OPTIONS=--inspect=0.0.0.0:9229 exec ${DEV_APP:-$APP}"]
