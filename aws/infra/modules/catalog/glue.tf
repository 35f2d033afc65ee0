resource "aws_glue_security_configuration" "this" {
  name = var.name

  encryption_configuration {
    cloudwatch_encryption {
      cloudwatch_encryption_mode = "SSE-KMS"
      kms_key_arn                = var.logs_key_arn
    }

    job_bookmarks_encryption {
      job_bookmarks_encryption_mode = "CSE-KMS"
      kms_key_arn                   = var.data_key_arn
    }

    s3_encryption {
      s3_encryption_mode = "SSE-KMS"
      kms_key_arn        = var.data_key_arn
    }
  }
}

resource "aws_glue_job" "ingest" {
  name                   = "${var.name}-ingest"
  description            = "Takes in new till files on Spark's workers: raw, silver, gold and quarantine"
  role_arn               = var.glue_role_arn
  glue_version           = "5.1"
  execution_class        = "STANDARD"
  worker_type            = "G.1X"
  number_of_workers      = var.etl_workers
  timeout                = 120
  max_retries            = 1
  security_configuration = aws_glue_security_configuration.this.name

  command {
    name            = "glueetl"
    python_version  = "3"
    script_location = "${var.code_uri}/ingest_on_glue.py"
  }

  default_arguments = {
    "--job-language"                     = "python"
    "--additional-python-modules"        = "${var.code_uri}/retail_forecast-${var.release}-py3-none-any.whl"
    "--enable-metrics"                   = "true"
    "--enable-continuous-cloudwatch-log" = "true"
    "--continuous-log-logGroup"          = var.log_group_names["jobs"]
    "--datalake-formats"                 = "delta"
    "--lake"                             = var.lake_uri
    "--incoming"                         = replace(var.lake_uri, "//lake$/", "/incoming")
  }

  execution_property {
    # The lake has one writer.
    max_concurrent_runs = 1
  }
}

resource "aws_glue_trigger" "ingest" {
  name     = "${var.name}-ingest"
  type     = var.etl_schedule == "" ? "ON_DEMAND" : "SCHEDULED"
  schedule = var.etl_schedule == "" ? null : var.etl_schedule

  actions {
    job_name = aws_glue_job.ingest.name
  }
}
