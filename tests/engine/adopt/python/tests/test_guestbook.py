"""The pages, without a server."""
from guestbook import create_app


def test_signing():
    client = create_app('Test').test_client()
    client.post('/', data={'name': 'Ada'})
    page = client.get('/').text
    assert '<title>Test</title>' in page
    assert 'Ada' in page
