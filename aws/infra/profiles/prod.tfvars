# What serves: two zones that stand on their own, everything guarded and recorded.
environment = "prod"
owner       = "retail-forecast@example.com"
expires_at  = "never"

zones               = 2
nat_gateways        = "per_zone"
interface_endpoints = ["ecr.api", "ecr.dkr"]

audit_lock_mode      = "COMPLIANCE"
audit_lock_days      = 365
audit_retention_days = 730
audit_data_events    = true
protect_data         = true

superseded_days      = 30
raw_archive_days     = 180
athena_scan_limit_gb = 50
etl_schedule         = "cron(0 3 ? * TUE *)"
etl_workers          = 2
feature_groups       = true

serving_nodes = { instance_types = ["t3.medium"], min = 2, desired = 2, max = 5 }
job_nodes     = { instance_types = ["m5.large", "m5a.large", "m6i.large"], max = 3 }

log_retention_days = 30
alert_emails       = ["retail-forecast@example.com"]
budget_usd_month   = 500
billing_alarm      = true
