# A Django project without pytest-django.

# test runs the tests with Django's own runner.
FROM source AS test
CMD ["python", "manage.py", "test"]
