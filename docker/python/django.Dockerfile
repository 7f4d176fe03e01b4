# A Django project, beside wsgi.Dockerfile: its own server for development also sees edited templates.

# dev serves the code and reloads it when a file is saved.
FROM source AS dev
EXPOSE $PORT
CMD ["sh", "-c", "exec python manage.py runserver 0.0.0.0:$PORT"]

# debug serves the code like dev, under debugpy on port 5678.
FROM source AS debug
ENV PYDEVD_DISABLE_FILE_VALIDATION=1
EXPOSE $PORT 5678
CMD ["sh", "-c", "exec python -Xfrozen_modules=off -m debugpy --listen 0.0.0.0:5678 manage.py runserver 0.0.0.0:$PORT"]
