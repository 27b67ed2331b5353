"""The nouns: what the files say, what the application holds, what lies between. Imports only errors."""
