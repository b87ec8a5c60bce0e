"""What extensions are to deliver: kept with the change that it tells of, tried until it is done."""
