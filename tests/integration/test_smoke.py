def test_s(story):
    story.converge()
    print(story.sandbox.users)
    print(story.company.state)
