"""What differs by place: where objects lie and who runs the work. Heavy SDKs are imported only when their place is
chosen."""
