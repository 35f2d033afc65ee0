"""The one feature code: numpy arrays of lines and offsets in, features out. Training, batch scoring and the server all
call it."""
