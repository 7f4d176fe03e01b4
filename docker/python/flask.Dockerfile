# A Flask application, beside wsgi.Dockerfile: its own server for development also sees edited templates. watchfiles
# does the rest: Flask's own reloader takes up to a second, or with watchdog misses files that are renamed into place.

# dev serves the code and starts it again when a file is saved.
FROM source AS dev
EXPOSE $PORT
CMD ["sh", "-c", "exec python -m watchfiles --filter python \"python -m flask --app $APP run --debug --no-reload --host 0.0.0.0 --port $PORT\" $WATCH"]

# debug serves the code like dev, under debugpy on port 5678.
FROM source AS debug
ENV PYDEVD_DISABLE_FILE_VALIDATION=1
EXPOSE $PORT 5678
CMD ["sh", "-c", "exec python -Xfrozen_modules=off -m debugpy --listen 0.0.0.0:5678 -m watchfiles --filter python \"python -m flask --app $APP run --debug --no-reload --host 0.0.0.0 --port $PORT\" $WATCH"]
