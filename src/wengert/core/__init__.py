"""The mechanism: values, modes, dispatch, containers, errors.  Nothing here knows the derivative of anything."""
