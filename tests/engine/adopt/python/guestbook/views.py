"""The pages."""
from flask import Blueprint, current_app, redirect, render_template, request

pages = Blueprint('pages', __name__)
ENTRIES = []


@pages.get('/')
def index():
    return render_template('index.html', title=current_app.config['TITLE'], entries=ENTRIES)


@pages.post('/')
def sign():
    ENTRIES.append(request.form['name'])
    return redirect('/')


@pages.get('/healthz')
def health():
    return {'ok': True}
