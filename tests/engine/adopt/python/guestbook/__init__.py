"""A guestbook in the memory of one process."""
from flask import Flask

from guestbook.views import pages


def create_app(title='Guestbook'):
    """The application with its pages."""
    app = Flask(__name__)
    app.config['TITLE'] = title
    app.register_blueprint(pages)
    return app
